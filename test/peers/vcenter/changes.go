package main

import (
	"sync"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// changeLog numbers every change of the inventory, so that those who wait for updates look only when they must.
type changeLog struct {
	mu        sync.Mutex
	number    int64
	structure int64
	objects   map[types.ManagedObjectReference]int64
	changed   chan struct{}
}

func newChangeLog() *changeLog {
	return &changeLog{objects: map[types.ManagedObjectReference]int64{}, changed: make(chan struct{})}
}

func (l *changeLog) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "ChangeLog", Value: "changes"}
}

func (l *changeLog) note(ref types.ManagedObjectReference, isStructure bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
	l.objects[ref] = l.number
	if isStructure && ref.Type != "Task" {
		l.structure = l.number
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *changeLog) PutObject(o mo.Reference) { l.note(o.Reference(), true) }

func (l *changeLog) UpdateObject(o mo.Reference, _ []types.PropertyChange) {
	l.note(o.Reference(), false)
}

func (l *changeLog) RemoveObject(ref types.ManagedObjectReference) { l.note(ref, true) }

// wakeAll makes everybody look again, after changes that went past the registry.
func (l *changeLog) wakeAll() {
	l.note(types.ManagedObjectReference{Type: "Inventory", Value: "inventory"}, true)
}

// next gives the number of the latest change and what is closed at the one after it.
func (l *changeLog) next() (int64, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.number, l.changed
}

// concernsAny tells whether what these filters select may differ from what was sent.
func (l *changeLog) concernsAny(filters []types.ManagedObjectReference, state *filterState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.structure > state.number || len(filters) != len(state.seen) {
		return true
	}
	for _, filter := range filters {
		known, isKnown := state.seen[filter]
		if !isKnown {
			return true
		}
		for ref := range known {
			if l.objects[ref] > state.number {
				return true
			}
		}
	}
	return false
}
