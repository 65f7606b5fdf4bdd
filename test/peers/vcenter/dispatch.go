package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// call is one request on its way through the front.
type call struct {
	peer    *peer
	method  string
	this    types.ManagedObjectReference
	body    types.AnyType
	session *userSession
	writer  http.ResponseWriter
	request *http.Request
}

// handler answers a method that the simulator lacks or answers differently; it runs under the lock.
type handler func(*call) answer

const maxRequestBytes = 32 << 20

func (p *peer) serveSDK(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c := &call{peer: p, writer: w, request: r}
	result := p.process(c, text)
	if result == nil {
		// The connection goes away without an answer, as it does when a firewall or a crash cuts it.
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(result.status)
	_, _ = w.Write(result.text)
}

type encoded struct {
	status int
	text   []byte
}

func (p *peer) encode(a answer) *encoded {
	status, text, err := encodeAnswer(a)
	if err != nil {
		log.Printf("encoding: %v", err)
		status, text, _ = encodeAnswer(refused(&types.SystemError{Reason: err.Error()}))
	}
	return &encoded{status, text}
}

// process gives nil when the connection is to be cut.
func (p *peer) process(c *call, text []byte) *encoded {
	method, err := simulator.UnmarshalBody(vimType, text)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		return p.encode(invalidRequest("%v", err))
	}
	c.method, c.this, c.body = method.Name, method.This, method.Body
	p.rules.count(c.method)
	if p.rules.isStrict {
		if problem := checkOrder(text); problem != nil {
			return p.encode(invalidRequest("%v", problem))
		}
	}
	rule := p.rules.take(c.method, c.this)
	if rule != nil && rule.Action == actionDropBefore {
		return nil
	}
	if rule != nil && rule.Action == actionFault {
		return p.encode(refused(rule.fault()))
	}
	result := p.encode(p.guarded(c, func() answer { return p.answer(c, rule) }))
	if rule != nil && rule.Action == actionDropAfter {
		return nil
	}
	return result
}

// guarded turns a panic into a fault, so that one bad call does not end the peer.
func (p *peer) guarded(c *call, do func() answer) (result answer) {
	defer func() {
		if reason := recover(); reason != nil {
			log.Printf("%s on %s: %v\n%s", c.method, c.this, reason, debug.Stack())
			result = refused(&types.SystemError{Reason: "the peer gave up"})
		}
	}()
	return do()
}

func (p *peer) answer(c *call, rule *failureRule) answer {
	c.session = p.sessions.of(c.request)
	if c.session == nil && !isAllowedWithoutSession(c.method) {
		return refused(&types.NotAuthenticated{NoPermission: types.NoPermission{
			Object: c.this, PrivilegeId: "System.View",
		}})
	}
	if fault := p.checkPrivileges(c); fault != nil {
		return refused(fault)
	}
	if fault := p.checkLicence(c); fault != nil {
		return refused(fault)
	}
	if h, ok := handlers[c.this.Type+"."+c.method]; ok {
		return h(c)
	}
	if h, ok := handlers[c.method]; ok {
		return h(c)
	}
	if strings.HasSuffix(c.method, "_Task") {
		return p.taskCall(c, rule)
	}
	return answerOf(p.invoke(c.session, c.this, c.method, c.body))
}

// invoke calls the simulator's own method. Some of them panic on what a real vCenter would refuse.
func (p *peer) invoke(s *userSession, this types.ManagedObjectReference, method string, body types.AnyType) (result soap.HasFault) {
	defer func() {
		if reason := recover(); reason != nil {
			log.Printf("%s on %s: %v\n%s", method, this, reason, debug.Stack())
			result = refused(&types.SystemError{Reason: "the simulator gave up"})
		}
	}()
	ctx := &simulator.Context{Map: simulator.Map, Context: context.Background(), Caller: &this}
	var target mo.Reference
	if s == nil {
		ctx.Session = &simulator.Session{Registry: simulator.NewRegistry()}
		target = simulator.Map.Get(this)
	} else {
		ctx.Session = s.Session
		target = s.Get(this)
	}
	if target == nil {
		return refused(&types.ManagedObjectNotFound{Obj: this})
	}
	name := strings.ToUpper(method[:1]) + method[1:]
	if strings.HasSuffix(name, "_Task") {
		name = strings.TrimSuffix(name, "_Task") + "Task"
	}
	m := reflect.ValueOf(target).MethodByName(name)
	if !m.IsValid() {
		return refused(&types.MethodNotFound{Receiver: this, Method: method})
	}
	var values []reflect.Value
	if m.Type().NumIn() == 2 {
		values = append(values, reflect.ValueOf(ctx))
	}
	return m.Call(append(values, reflect.ValueOf(body)))[0].Interface().(soap.HasFault)
}
