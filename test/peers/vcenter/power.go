package main

import (
	"bytes"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// running is a VM that is on: with a QEMU process, or without one only in the books.
type running struct {
	process *exec.Cmd
	console string
	ended   chan struct{}
	// isUp says that the guest has booted: its tools run.
	isUp bool
}

// powerTable also says how guests behave without QEMU.
type powerTable struct {
	running map[string]*running
	// bootTime is how long a guest without QEMU needs until its tools run.
	bootTime time.Duration
	// readyTime is how long running tools need until they carry out guest operations.
	readyTime time.Duration
	// silent are VMs whose tools never run.
	silent map[string]bool
}

// A real guest takes seconds: its tools tell that they run before they take programs.
const defaultReadyTime = 200 * time.Millisecond

func newPowerTable() *powerTable {
	return &powerTable{running: map[string]*running{}, silent: map[string]bool{}, readyTime: defaultReadyTime}
}

func (t *powerTable) killAll() {
	for _, r := range t.running {
		r.kill()
	}
}

func (r *running) kill() {
	close(r.ended)
	if r.process != nil {
		_ = r.process.Process.Kill()
		_, _ = r.process.Process.Wait()
	}
}

func powerOn(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	if isOn(vm) {
		return nil, invalidPower(vm, types.VirtualMachinePowerStatePoweredOn)
	}
	if host, ok := simulator.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem); ok && host.Runtime.InMaintenanceMode {
		return nil, &types.InvalidState{}
	}
	if fault := checkStartable(vm); fault != nil {
		return nil, asHostSays(fault, "Module 'Disk' power on failed.")
	}
	result, fault := c.peer.innerTask(c)
	if fault != nil {
		return nil, fault
	}
	if err := c.peer.boot(vm); err != nil {
		return nil, &types.GenericVmConfigFault{Reason: err.Error()}
	}
	return result, nil
}

// setMaintenance also tells those who wait for updates, which the simulator does not.
func setMaintenance(isIn bool) func(*call) (types.AnyType, types.BaseMethodFault) {
	return func(c *call) (types.AnyType, types.BaseMethodFault) {
		host, ok := simulator.Map.Get(c.this).(*simulator.HostSystem)
		if !ok {
			return nil, &types.ManagedObjectNotFound{Obj: c.this}
		}
		simulator.Map.Update(host, []types.PropertyChange{{Name: "runtime.inMaintenanceMode", Val: isIn}})
		return nil, nil
	}
}

func powerOff(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	result, fault := c.peer.innerTask(c)
	if fault == nil {
		c.peer.halt(vm)
	}
	return result, fault
}

// resetVM starts the guest anew without going off.
func resetVM(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	if !isOn(vm) {
		return nil, invalidPower(vm, types.VirtualMachinePowerStatePoweredOn)
	}
	c.peer.halt(vm)
	if err := c.peer.boot(vm); err != nil {
		return nil, &types.GenericVmConfigFault{Reason: err.Error()}
	}
	return nil, nil
}

// suspendVM ends the guest's process: its memory is not kept.
func suspendVM(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	if !isOn(vm) {
		return nil, invalidPower(vm, types.VirtualMachinePowerStateSuspended)
	}
	result, fault := c.peer.innerTask(c)
	if fault == nil {
		c.peer.halt(vm)
	}
	return result, fault
}

// shutdownGuest asks the tools, so it needs running ones; the VM goes off a little later.
func shutdownGuest(c *call) answer {
	vm := vmOf(c.this)
	if vm == nil {
		return refused(&types.ManagedObjectNotFound{Obj: c.this})
	}
	if !isOn(vm) {
		return refused(invalidPower(vm, types.VirtualMachinePowerStatePoweredOn))
	}
	if !hasTools(vm) {
		return refused(&types.ToolsUnavailable{})
	}
	p := c.peer
	go func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if isOn(vm) {
			p.invoke(c.session, c.this, c.method, c.body)
			p.halt(vm)
		}
	}()
	return answer{response: &types.ShutdownGuestResponse{}}
}

func hasTools(vm *simulator.VirtualMachine) bool {
	return vm.Guest.ToolsRunningStatus == string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)
}

func (p *peer) halt(vm *simulator.VirtualMachine) {
	if r := p.power.running[vm.Self.Value]; r != nil {
		delete(p.power.running, vm.Self.Value)
		r.kill()
	}
	showTools(vm, false)
}

// cutPower ends a VM without a task that says so.
func (p *peer) cutPower(vm *simulator.VirtualMachine) {
	p.halt(vm)
	off := types.VirtualMachinePowerStatePoweredOff
	simulator.Map.Update(vm, []types.PropertyChange{
		{Name: "runtime.powerState", Val: off}, {Name: "summary.runtime.powerState", Val: off},
	})
}

// boot starts the guest and shows its tools as running once it is up.
func (p *peer) boot(vm *simulator.VirtualMachine) error {
	r := &running{ended: make(chan struct{}), console: p.consoleFile(vm)}
	if p.options.qemu {
		if err := p.startQemu(vm, r); err != nil {
			return err
		}
	}
	p.power.running[vm.Self.Value] = r
	now := time.Now()
	simulator.Map.Update(vm, []types.PropertyChange{{Name: "runtime.bootTime", Val: &now}})
	go p.watchGuest(vm, r)
	return nil
}

// consoleFile lies beside the VM's other files.
func (p *peer) consoleFile(vm *simulator.VirtualMachine) string {
	file, fault := localFile(vm.Config.Files.VmPathName)
	if fault != nil {
		return filepath.Join(p.scratch, vm.Self.Value+".console")
	}
	return filepath.Join(filepath.Dir(file), "serial.log")
}

func unitOf(disk *types.VirtualDisk) int32 {
	if disk.UnitNumber == nil {
		return 0
	}
	return *disk.UnitNumber
}

const consolePoll = 100 * time.Millisecond

// watchGuest waits for the marker on the console, or for the time a guest without QEMU takes.
func (p *peer) watchGuest(vm *simulator.VirtualMachine, r *running) {
	if !p.options.qemu {
		select {
		case <-r.ended:
			return
		case <-time.After(p.bootTime()):
		}
		p.guestIsUp(vm, r)
		return
	}
	ticker := time.NewTicker(consolePoll)
	defer ticker.Stop()
	for {
		select {
		case <-r.ended:
			return
		case <-ticker.C:
		}
		text, err := os.ReadFile(r.console)
		if err == nil && bytes.Contains(text, []byte(p.options.marker)) {
			p.guestIsUp(vm, r)
			return
		}
	}
}

func (p *peer) bootTime() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.power.bootTime
}

func (p *peer) guestIsUp(vm *simulator.VirtualMachine, r *running) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.power.running[vm.Self.Value] != r || p.power.silent[vm.Self.Value] || p.power.silent[vm.Name] {
		return
	}
	showTools(vm, true)
	r.isUp = true
	log.Printf("%s: its guest is up", vm.Name)
	time.AfterFunc(p.power.readyTime, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.power.running[vm.Self.Value] == r {
			showReady(vm, true)
		}
	})
}

type bootedGuest struct {
	VM       string    `json:"vm"`
	BiosUUID string    `json:"biosUuid"`
	BootedAt time.Time `json:"bootedAt"`
}

// readBooted gives the VMs whose tools run, for whoever plays the programs in their guests.
func readBooted(p *peer, _ []byte) (interface{}, error) {
	booted := []bootedGuest{}
	for _, vm := range allVMs() {
		if r := p.power.running[vm.Self.Value]; r != nil && r.isUp && vm.Runtime.BootTime != nil {
			booted = append(booted, bootedGuest{vm.Name, vm.Config.Uuid, *vm.Runtime.BootTime})
		}
	}
	return booted, nil
}

// showReady says whether the tools take guest operations.
func showReady(vm *simulator.VirtualMachine, isReady bool) {
	// The registry cannot assign what is a pointer.
	vm.Guest.GuestOperationsReady = types.NewBool(isReady)
}

// showTools writes what a VM shows while its tools run, and what it shows otherwise.
func showTools(vm *simulator.VirtualMachine, isRunning bool) {
	status, runningStatus := types.VirtualMachineToolsStatusToolsNotRunning, "guestToolsNotRunning"
	state, heartbeat := "notRunning", types.ManagedEntityStatusGray
	host := ""
	if isRunning {
		status, runningStatus = types.VirtualMachineToolsStatusToolsOk, "guestToolsRunning"
		state, heartbeat, host = "running", types.ManagedEntityStatusGreen, vm.Name
	}
	showReady(vm, false)
	simulator.Map.Update(vm, []types.PropertyChange{
		{Name: "guest.toolsStatus", Val: status},
		{Name: "guest.toolsRunningStatus", Val: runningStatus},
		{Name: "guest.toolsVersionStatus2", Val: "guestToolsCurrent"},
		{Name: "guest.guestState", Val: state},
		{Name: "guest.hostName", Val: host},
		{Name: "guestHeartbeatStatus", Val: heartbeat},
		{Name: "summary.guest.toolsStatus", Val: status},
		{Name: "summary.guest.toolsRunningStatus", Val: runningStatus},
		{Name: "summary.quickStats.guestHeartbeatStatus", Val: heartbeat},
	})
}
