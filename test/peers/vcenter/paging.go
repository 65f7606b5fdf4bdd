package main

import (
	"github.com/google/uuid"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// The simulator gives everything at once; vCenter gives maxObjects and a token for the rest.

func retrieveProperties(c *call) answer {
	r := c.body.(*types.RetrievePropertiesEx)
	if fault := licencesHidden(c, r); fault != nil {
		return refused(fault)
	}
	body := c.peer.invoke(c.session, c.this, c.method, r)
	whole, ok := body.(*methods.RetrievePropertiesExBody)
	if !ok || whole.Fault_ != nil || whole.Res.Returnval == nil {
		return answerOf(body)
	}
	p := c.peer
	p.hide(whole.Res.Returnval.Objects)
	if r.Options.MaxObjects <= 0 {
		return answerOf(body)
	}
	page := p.page(whole.Res.Returnval.Objects, int(r.Options.MaxObjects))
	return answer{response: &types.RetrievePropertiesExResponse{Returnval: page}}
}

// hide leaves properties out, as vCenter does with those that an account may not read.
func (p *peer) hide(objects []types.ObjectContent) {
	for i := range objects {
		var shown []types.DynamicProperty
		for _, property := range objects[i].PropSet {
			if !p.hidden[property.Name] {
				shown = append(shown, property)
			}
		}
		objects[i].PropSet = shown
	}
}

func (p *peer) page(objects []types.ObjectContent, limit int) *types.RetrieveResult {
	if len(objects) <= limit {
		return &types.RetrieveResult{Objects: objects}
	}
	token := uuid.New().String()
	p.paging[token] = objects[limit:]
	p.pageSizes[token] = limit
	return &types.RetrieveResult{Token: token, Objects: objects[:limit]}
}

func continueRetrieve(c *call) answer {
	r := c.body.(*types.ContinueRetrievePropertiesEx)
	p := c.peer
	rest, ok := p.paging[r.Token]
	if !ok {
		return refused(&types.InvalidArgument{InvalidProperty: "token"})
	}
	limit := p.pageSizes[r.Token]
	p.forgetPage(r.Token)
	return answer{response: &types.ContinueRetrievePropertiesExResponse{Returnval: *p.page(rest, limit)}}
}

func cancelRetrieve(c *call) answer {
	c.peer.forgetPage(c.body.(*types.CancelRetrievePropertiesEx).Token)
	return answer{response: &types.CancelRetrievePropertiesExResponse{}}
}

func (p *peer) forgetPage(token string) {
	delete(p.paging, token)
	delete(p.pageSizes, token)
}
