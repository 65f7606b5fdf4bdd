package main

import (
	"fmt"
	"reflect"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// What a failure rule does with a call.
const (
	actionFault      = "fault"      // the call is refused and has no effect
	actionTaskFault  = "taskFault"  // the task starts and fails without an effect
	actionTaskLost   = "taskLost"   // the task has its effect and still ends as failed
	actionDropBefore = "dropBefore" // the connection is cut, the call never happened
	actionDropAfter  = "dropAfter"  // the call happened, its answer is lost
)

// failureRule makes calls fail on demand. It is used up after Times calls; 0 means for good.
type failureRule struct {
	Method  string `json:"method"`
	Object  string `json:"object,omitempty"`
	Action  string `json:"action"`
	Kind    string `json:"kind,omitempty"`
	Message string `json:"message,omitempty"`
	Times   int    `json:"times,omitempty"`
	// Skip is how many calls that fit go through before.
	Skip int `json:"skip,omitempty"`
	used int
}

// fault makes the named fault of the schema; the rule was checked when it was set.
func (r *failureRule) fault() types.BaseMethodFault {
	kind := r.Kind
	if kind == "" {
		kind = "SystemError"
	}
	rtype, ok := vimType(kind)
	if !ok {
		return &types.SystemError{Reason: r.Message}
	}
	fault, ok := reflect.New(rtype).Interface().(types.BaseMethodFault)
	if !ok {
		return &types.SystemError{Reason: r.Message}
	}
	if system, ok := fault.(*types.SystemError); ok {
		system.Reason = r.Message
	}
	return fault
}

func (r *failureRule) check() error {
	switch r.Action {
	case actionFault, actionTaskFault, actionTaskLost, actionDropBefore, actionDropAfter:
	default:
		return fmt.Errorf("unknown action %q", r.Action)
	}
	if _, ok := vimType(r.Kind); r.Kind != "" && !ok {
		return fmt.Errorf("unknown fault %q", r.Kind)
	}
	if r.Method == "" {
		return fmt.Errorf("a failure rule names its method")
	}
	return nil
}

type ruleBook struct {
	isStrict bool
	failures []*failureRule
	delays   map[string]time.Duration
	calls    map[string]int
}

func newRuleBook() *ruleBook {
	return &ruleBook{isStrict: true, delays: map[string]time.Duration{}, calls: map[string]int{}}
}

func (b *ruleBook) count(method string) { b.calls[method]++ }

// take gives the first rule for this call and uses it up once.
func (b *ruleBook) take(method string, this types.ManagedObjectReference) *failureRule {
	for i, rule := range b.failures {
		if rule.Method != "*" && rule.Method != method {
			continue
		}
		if rule.Object != "" && rule.Object != this.Value {
			continue
		}
		if rule.Skip > 0 {
			rule.Skip--
			continue
		}
		rule.used++
		if rule.Times > 0 && rule.used >= rule.Times {
			b.failures = append(b.failures[:i:i], b.failures[i+1:]...)
		}
		return rule
	}
	return nil
}

// delayOf gives how long tasks of this method take; "*" stands for every method.
func (b *ruleBook) delayOf(method string) time.Duration {
	if delay, ok := b.delays[method]; ok {
		return delay
	}
	return b.delays["*"]
}
