package main

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// work is what a task does once its time has come; it runs under the lock.
type work func() (types.AnyType, types.BaseMethodFault)

type taskControl struct {
	isCancelled bool
}

// taskCall answers a method that gives a task. The task is the peer's own and ends after the call was answered,
// as a real one does; the simulator, whose tasks end inside of the call, does the work.
func (p *peer) taskCall(c *call, rule *failureRule) answer {
	do := func() (types.AnyType, types.BaseMethodFault) { return p.innerTask(c) }
	if own, ok := taskHandlers[c.this.Type+"."+c.method]; ok {
		do = func() (types.AnyType, types.BaseMethodFault) { return own(c) }
	} else if own, ok := taskHandlers[c.method]; ok {
		do = func() (types.AnyType, types.BaseMethodFault) { return own(c) }
	} else if simulator.Map.Get(c.this) == nil {
		return refused(&types.ManagedObjectNotFound{Obj: c.this})
	}
	task := p.newTask(c)
	go p.runTask(task, p.rules.delayOf(c.method), underRule(rule, p.guardedWork(c, do)))
	return answer{response: &taskResponse{XMLName: xml.Name{Local: c.method + "Response"}, Returnval: task.Self}}
}

func (p *peer) guardedWork(c *call, do work) work {
	return func() (result types.AnyType, fault types.BaseMethodFault) {
		refusal := p.guarded(c, func() answer {
			result, fault = do()
			return answer{}
		})
		if refusal.fault != nil {
			return nil, methodFault(refusal.fault.Detail.Fault)
		}
		return result, fault
	}
}

func underRule(rule *failureRule, do work) work {
	if rule == nil || (rule.Action != actionTaskFault && rule.Action != actionTaskLost) {
		return do
	}
	return func() (types.AnyType, types.BaseMethodFault) {
		if rule.Action == actionTaskLost {
			_, _ = do()
		}
		return nil, rule.fault()
	}
}

func (p *peer) newTask(c *call) *simulator.Task {
	operation := strings.TrimSuffix(c.method, "_Task")
	task := simulator.CreateTask(c.this, operation, nil)
	task.Info.Name = c.method
	task.Info.DescriptionId = c.this.Type + "." + strings.ToLower(operation[:1]) + operation[1:]
	task.Info.EntityName = nameOf(c.this)
	task.Info.Cancelable = true
	task.Info.Reason = &types.TaskReasonUser{UserName: c.session.UserName}
	p.tasks[task.Self] = &taskControl{}
	showTask(c.this, task.Self)
	return task
}

const recentTasks = 20

// showTask lists the task at the entity it changes; one on a snapshot changes the snapshot's VM.
func showTask(this, task types.ManagedObjectReference) {
	if snapshot, ok := simulator.Map.Get(this).(*simulator.VirtualMachineSnapshot); ok {
		this = snapshot.Vm
	}
	var recent []types.ManagedObjectReference
	entity := simulator.Map.Get(this)
	switch e := entity.(type) {
	case *simulator.VirtualMachine:
		recent = e.RecentTask
	case *simulator.Folder:
		recent = e.RecentTask
	default:
		return
	}
	if len(recent) >= recentTasks {
		recent = recent[1:]
	}
	recent = append(append([]types.ManagedObjectReference{}, recent...), task)
	simulator.Map.Update(entity, []types.PropertyChange{{Name: "recentTask", Val: recent}})
}

const progressSteps = 10

// stepsOf is how often a task tells its progress: a short one only once, as a real one does.
func stepsOf(delay time.Duration) int {
	if delay < 100*time.Millisecond {
		return 1
	}
	return progressSteps
}

func (p *peer) runTask(task *simulator.Task, delay time.Duration, do work) {
	p.update(task, "info.state", types.TaskInfoStateRunning, "info.startTime", time.Now())
	steps := stepsOf(delay)
	for step := 1; delay > 0 && step <= steps; step++ {
		time.Sleep(delay / time.Duration(steps))
		p.update(task, "info.progress", int32(step*100/steps-1))
		if p.isCancelled(task) {
			do = func() (types.AnyType, types.BaseMethodFault) { return nil, &types.RequestCanceled{} }
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	result, fault := do()
	changes := []types.PropertyChange{
		{Name: "info.completeTime", Val: time.Now()},
		{Name: "info.state", Val: types.TaskInfoStateSuccess},
		{Name: "info.result", Val: result},
	}
	if fault != nil {
		changes[1].Val = types.TaskInfoStateError
		changes[2] = types.PropertyChange{Name: "info.error", Val: types.LocalizedMethodFault{
			Fault: fault, LocalizedMessage: faultMessage(fault),
		}}
	}
	simulator.Map.Update(task, changes)
	delete(p.tasks, task.Self)
}

func (p *peer) update(task *simulator.Task, pairs ...interface{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var changes []types.PropertyChange
	for i := 0; i < len(pairs); i += 2 {
		changes = append(changes, types.PropertyChange{Name: pairs[i].(string), Val: pairs[i+1]})
	}
	simulator.Map.Update(task, changes)
}

func (p *peer) isCancelled(task *simulator.Task) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	control := p.tasks[task.Self]
	return control != nil && control.isCancelled
}

func cancelTask(c *call) answer {
	if control := c.peer.tasks[c.this]; control != nil {
		control.isCancelled = true
		return answer{response: &types.CancelTaskResponse{}}
	}
	return refused(&types.InvalidState{})
}

// innerTask lets the simulator do the work and takes the result out of its finished task.
func (p *peer) innerTask(c *call) (types.AnyType, types.BaseMethodFault) {
	body := p.invoke(c.session, c.this, c.method, c.body)
	if fault := body.Fault(); fault != nil {
		return nil, methodFault(fault.Detail.Fault)
	}
	value := reflect.ValueOf(answerOf(body).response).Elem().FieldByName("Returnval")
	inner, ok := simulator.Map.Get(value.Interface().(types.ManagedObjectReference)).(*simulator.Task)
	if !ok {
		return nil, &types.SystemError{Reason: "the simulator gave no task"}
	}
	forgetTask(inner.Self)
	if inner.Info.Error != nil {
		return nil, inner.Info.Error.Fault
	}
	return inner.Info.Result, nil
}

func methodFault(detail interface{}) types.BaseMethodFault {
	if fault, ok := detail.(types.BaseMethodFault); ok {
		return fault
	}
	return &types.SystemError{Reason: fmt.Sprintf("%v", detail)}
}

func forgetTask(ref types.ManagedObjectReference) {
	manager, ok := simulator.Map.Get(*content().TaskManager).(*simulator.TaskManager)
	if ok {
		simulator.RemoveReference(&manager.RecentTask, ref)
	}
	simulator.Map.Remove(ref)
}
