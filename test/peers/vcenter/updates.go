package main

import (
	"fmt"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// WaitForUpdatesEx compares what the filters select now with what was sent last. The simulator's own version holds
// its locks while it waits and answers a quarter of a second late.

type seenValue struct {
	text  string
	value types.AnyType
}

// objectValues are the selected values of the objects that one filter selects.
type objectValues map[types.ManagedObjectReference]map[string]seenValue

type filterState struct {
	seen    map[types.ManagedObjectReference]objectValues
	number  int64
	version int
}

func waitForUpdates(c *call) answer {
	r := c.body.(*types.WaitForUpdatesEx)
	p := c.peer
	pc, ok := c.session.Get(c.this).(*simulator.PropertyCollector)
	if !ok {
		return refused(&types.ManagedObjectNotFound{Obj: c.this})
	}
	deadline, hasDeadline := waitDeadline(r)
	key := c.session.Key + c.this.Value
	for {
		number, changed := p.changes.next()
		if p.sessions.sessions[c.session.Key] == nil {
			return refused(&types.NotAuthenticated{NoPermission: types.NoPermission{Object: c.this, PrivilegeId: "System.View"}})
		}
		set, fault := p.compare(c, pc, key, r.Version, number)
		if fault != nil {
			return refused(fault)
		}
		if set != nil || (hasDeadline && !time.Now().Before(deadline)) {
			return answer{response: &types.WaitForUpdatesExResponse{Returnval: set}}
		}
		p.mu.Unlock()
		gone := waitForChange(c, changed, deadline, hasDeadline)
		p.mu.Lock()
		if gone {
			return refused(&types.RequestCanceled{})
		}
	}
}

func waitDeadline(r *types.WaitForUpdatesEx) (time.Time, bool) {
	if r.Options == nil || r.Options.MaxWaitSeconds == nil {
		return time.Time{}, false
	}
	return time.Now().Add(time.Duration(*r.Options.MaxWaitSeconds) * time.Second), true
}

// settleTime lets the changes of one step come in together.
const settleTime = 5 * time.Millisecond

func waitForChange(c *call, changed <-chan struct{}, deadline time.Time, hasDeadline bool) bool {
	limit := time.Minute
	if hasDeadline {
		limit = time.Until(deadline)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-changed:
		time.Sleep(settleTime)
	case <-timer.C:
	case <-c.request.Context().Done():
		return true
	}
	return false
}

// compare gives nil when nothing of interest changed since the version that the caller has.
func (p *peer) compare(c *call, pc *simulator.PropertyCollector, key, version string, number int64) (*types.UpdateSet, types.BaseMethodFault) {
	state := p.waits[key]
	if version == "" || state == nil {
		if version != "" {
			return nil, &types.InvalidCollectorVersion{}
		}
		state = &filterState{seen: map[types.ManagedObjectReference]objectValues{}, number: -1}
		p.waits[key] = state
	}
	if state.number >= 0 && !p.changes.concernsAny(pc.Filter, state) {
		state.number = number
		return nil, nil
	}
	state.number = number
	set := &types.UpdateSet{}
	now := map[types.ManagedObjectReference]objectValues{}
	for _, ref := range pc.Filter {
		filter, ok := c.session.Get(ref).(*simulator.PropertyFilter)
		if !ok {
			continue
		}
		values, fault := p.filterValues(c, filter)
		if fault != nil {
			return nil, fault
		}
		now[ref] = values
		if objects := updatesOf(state.seen[ref], values); len(objects) > 0 {
			set.FilterSet = append(set.FilterSet, types.PropertyFilterUpdate{Filter: ref, ObjectSet: objects})
		}
	}
	state.seen = now
	if len(set.FilterSet) == 0 && version != "" {
		return nil, nil
	}
	state.version++
	set.Version = fmt.Sprint(state.version)
	return set, nil
}

func (p *peer) filterValues(c *call, filter *simulator.PropertyFilter) (objectValues, types.BaseMethodFault) {
	found := objectValues{}
	body := p.invoke(c.session, content().PropertyCollector, "RetrievePropertiesEx", &types.RetrievePropertiesEx{
		This: content().PropertyCollector, SpecSet: []types.PropertyFilterSpec{filter.Spec},
	})
	if fault := body.Fault(); fault != nil {
		if _, isGone := methodFault(fault.Detail.Fault).(*types.ManagedObjectNotFound); isGone {
			return found, nil
		}
		return nil, methodFault(fault.Detail.Fault)
	}
	result := body.(*methods.RetrievePropertiesExBody).Res.Returnval
	if result == nil {
		return found, nil
	}
	for _, o := range result.Objects {
		values := map[string]seenValue{}
		for _, property := range o.PropSet {
			values[property.Name] = seenValue{text: xmlText(property.Val), value: property.Val}
		}
		found[o.Obj] = values
	}
	return found, nil
}

func updatesOf(before, after objectValues) []types.ObjectUpdate {
	var updates []types.ObjectUpdate
	for ref, values := range after {
		if change := objectUpdate(ref, before[ref], values); change != nil {
			updates = append(updates, *change)
		}
	}
	for ref := range before {
		if _, isThere := after[ref]; !isThere {
			updates = append(updates, types.ObjectUpdate{Kind: types.ObjectUpdateKindLeave, Obj: ref})
		}
	}
	return updates
}

func xmlText(value types.AnyType) string {
	text, err := xml.Marshal(struct {
		Val types.AnyType `xml:"val,typeattr"`
	}{value})
	if err != nil {
		return fmt.Sprintf("%+v", value)
	}
	return string(text)
}

func objectUpdate(ref types.ManagedObjectReference, before, after map[string]seenValue) *types.ObjectUpdate {
	update := &types.ObjectUpdate{Kind: types.ObjectUpdateKindModify, Obj: ref}
	if before == nil {
		update.Kind = types.ObjectUpdateKindEnter
	}
	for name, value := range after {
		if old, isKnown := before[name]; !isKnown || old.text != value.text {
			update.ChangeSet = append(update.ChangeSet, types.PropertyChange{
				Name: name, Op: types.PropertyChangeOpAssign, Val: value.value,
			})
		}
	}
	for name := range before {
		if _, isThere := after[name]; !isThere {
			update.ChangeSet = append(update.ChangeSet, types.PropertyChange{Name: name, Op: types.PropertyChangeOpAssign})
		}
	}
	if before != nil && len(update.ChangeSet) == 0 {
		return nil
	}
	return update
}
