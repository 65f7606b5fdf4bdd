package main

import (
	"log"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The simulator's own CreateVM and ReconfigVM, with the checks of a real host before and real disk files after.

func createVM(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.CreateVM_Task)
	if r.Config.Files == nil || r.Config.Files.VmPathName == "" {
		return nil, &types.InvalidArgument{InvalidProperty: "configSpec.files.vmPathName"}
	}
	if _, fault := localFile(r.Config.Files.VmPathName); fault != nil {
		return nil, fault
	}
	if r.Host != nil && !isMounted(r.Host, r.Config.Files.VmPathName) {
		return nil, &types.InvalidDatastorePath{DatastorePath: r.Config.Files.VmPathName}
	}
	if folder, ok := simulator.Map.Get(c.this).(*simulator.Folder); ok {
		if twin := simulator.Map.FindByName(r.Config.Name, folder.ChildEntity); twin != nil {
			return nil, &types.DuplicateName{Name: r.Config.Name, Object: twin.Reference()}
		}
	}
	if r.Host == nil {
		host, fault := placeVM(r.Pool, r.Config.Files.VmPathName)
		if fault != nil {
			return nil, fault
		}
		r.Host = host
	}
	grown, fault := c.peer.checkDevices(&changing{host: r.Host}, &r.Config)
	if fault != nil {
		return nil, fault
	}
	result, fault := c.peer.innerTask(c)
	if fault != nil {
		return nil, fault
	}
	if ref, ok := result.(types.ManagedObjectReference); ok {
		c.peer.afterConfigure(vmOf(ref), grown)
	}
	return result, nil
}

func reconfigVM(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	r := c.body.(*types.ReconfigVM_Task)
	if fault := checkPoweredOnChange(vm, &r.Spec); fault != nil {
		return nil, fault
	}
	if resumesOnLockedDisk(vm, &r.Spec) {
		c.peer.cutPower(vm)
		return nil, &types.GenericVmConfigFault{Reason: "The virtual machine was suspended and could not be resumed."}
	}
	grown, fault := c.peer.checkDevices(&changing{vm: vm, host: vm.Runtime.Host}, &r.Spec)
	if fault != nil {
		return nil, fault
	}
	restore := hideForeignDisks(vm)
	_, fault = c.peer.innerTask(c)
	restore()
	if fault == nil {
		c.peer.noteDisks(vm, &r.Spec)
	}
	// Also after a failure: the simulator leaves what it did before it failed.
	c.peer.afterConfigure(vm, grown)
	return nil, fault
}

// diskChange is one disk that came into a VM or left it.
type diskChange struct {
	VM        string `json:"vm"`
	Operation string `json:"operation"`
	File      string `json:"file"`
}

func (p *peer) noteDisks(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) {
	for _, change := range spec.DeviceChange {
		device := change.GetVirtualDeviceConfigSpec()
		disk, ok := device.Device.(*types.VirtualDisk)
		if !ok || flatBacking(disk) == nil {
			continue
		}
		p.diskChanges = append(p.diskChanges, diskChange{vm.Name, string(device.Operation), flatBacking(disk).FileName})
	}
}

// resumesOnLockedDisk tells a change that kills a running VM: a paravirtual controller that is hot-added suspends and
// resumes it, and a disk of the same change that somebody else holds is opened only by the resuming VM, which then
// has no way back.
func resumesOnLockedDisk(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) bool {
	hasController, hasLocked := false, false
	for _, change := range spec.DeviceChange {
		device := change.GetVirtualDeviceConfigSpec()
		if device.Operation != types.VirtualDeviceConfigSpecOperationAdd {
			continue
		}
		switch added := device.Device.(type) {
		case *types.ParaVirtualSCSIController:
			hasController = true
		case *types.VirtualDisk:
			hasLocked = hasLocked || (flatBacking(added) != nil && isHeldByAnother(vm, flatBacking(added)))
		}
	}
	return isOn(vm) && hasController && hasLocked
}

func isHeldByAnother(vm *simulator.VirtualMachine, b *types.VirtualDiskFlatVer2BackingInfo) bool {
	fault := checkAttachable(vm, b)
	_, isOwn := fault.(*types.InvalidDeviceSpec)
	return fault != nil && !isOwn
}

// checkPoweredOnChange refuses what cannot be changed while a VM runs.
func checkPoweredOnChange(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if !isOn(vm) {
		return nil
	}
	switch {
	case spec.Firmware != "" && spec.Firmware != vm.Config.Firmware:
		return invalidPower(vm, types.VirtualMachinePowerStatePoweredOff)
	case spec.NumCPUs != 0 && spec.NumCPUs != vm.Config.Hardware.NumCPU && !isTrue(vm.Config.CpuHotAddEnabled):
		return &types.CpuHotPlugNotSupported{}
	case spec.MemoryMB != 0 && int32(spec.MemoryMB) != vm.Config.Hardware.MemoryMB && !isTrue(vm.Config.MemoryHotAddEnabled):
		return &types.MemoryHotPlugNotSupported{}
	}
	return nil
}

func isTrue(value *bool) bool { return value != nil && *value }

func invalidPower(vm *simulator.VirtualMachine, wanted types.VirtualMachinePowerState) types.BaseMethodFault {
	return &types.InvalidPowerState{RequestedState: wanted, ExistingState: vm.Runtime.PowerState}
}

// afterConfigure makes the disk files, shows them on the devices, and keeps extraConfig as vCenter does.
func (p *peer) afterConfigure(vm *simulator.VirtualMachine, grown []grownDisk) {
	if vm == nil {
		return
	}
	for _, g := range grown {
		if file, d, fault := openDisk(g.name); fault == nil {
			extendDisk(g.name, file, d, g.bytes)
		}
	}
	fillNewDisks(vm)
	describeDisks(vm)
	mergeExtraConfig(vm)
	if err := p.writeVmx(vm); err != nil {
		log.Print(err)
	}
}

// fillNewDisks turns the empty files that the simulator made into disks.
func fillNewDisks(vm *simulator.VirtualMachine) {
	for _, disk := range disksOf(vm) {
		b := flatBacking(disk)
		if b == nil {
			continue
		}
		file, fault := localFile(b.FileName)
		if fault != nil {
			continue
		}
		if d, err := readDescriptor(file); err != nil || d != nil {
			continue
		}
		if disk.CapacityInBytes > disk.CapacityInKB*1024 {
			disk.CapacityInKB = disk.CapacityInBytes / 1024
		}
		made := descriptor{CapacityBytes: disk.CapacityInKB * 1024, IsThin: isTrue(b.ThinProvisioned)}
		if _, err := makeDisk(file, made); err != nil {
			log.Print(err)
		}
	}
}

// describeDisks shows what the descriptors say on the devices of the VM.
func describeDisks(vm *simulator.VirtualMachine) {
	for _, disk := range disksOf(vm) {
		b := flatBacking(disk)
		if b == nil {
			continue
		}
		_, d, fault := openDisk(b.FileName)
		if fault != nil {
			continue
		}
		disk.CapacityInBytes, disk.CapacityInKB = d.CapacityBytes, d.CapacityBytes/1024
		b.Uuid, b.ContentId = d.UUID, d.ContentID
		b.ThinProvisioned = types.NewBool(d.IsThin)
		b.BackingObjectId = objectID(b.FileName, d.UUID)
		disk.DiskObjectId = strings.TrimPrefix(vm.Self.Value, "vm-") + "-" + itoa(disk.Key)
	}
	touchDevices(vm)
}

// objectID names the object that vSAN keeps in place of a flat file; files elsewhere have none.
func objectID(name, diskUUID string) string {
	var path object.DatastorePath
	if !path.FromString(name) {
		return ""
	}
	if ds := datastoreNamed(path.Datastore); ds == nil || ds.Summary.Type != "vsan" {
		return ""
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(diskUUID)).String()
}

// touchDevices tells those who wait for updates that devices changed.
func touchDevices(vm *simulator.VirtualMachine) {
	devices := append([]types.BaseVirtualDevice{}, vm.Config.Hardware.Device...)
	simulator.Map.Update(vm, []types.PropertyChange{{Name: "config.hardware.device", Val: devices}})
}

// mergeExtraConfig lets the last value of a key win and an empty value remove it; the simulator only appends.
func mergeExtraConfig(vm *simulator.VirtualMachine) {
	values := map[string]types.BaseOptionValue{}
	var order []string
	for _, option := range vm.Config.ExtraConfig {
		key := option.GetOptionValue().Key
		if _, isKnown := values[key]; !isKnown {
			order = append(order, key)
		}
		values[key] = option
	}
	merged := []types.BaseOptionValue{}
	for _, key := range order {
		if text, isText := values[key].GetOptionValue().Value.(string); !isText || text != "" {
			merged = append(merged, values[key])
		}
	}
	simulator.Map.Update(vm, []types.PropertyChange{{Name: "config.extraConfig", Val: merged}})
}

// hideForeignDisks takes raw device mappings away while the simulator works, which knows flat disks only.
func hideForeignDisks(vm *simulator.VirtualMachine) func() {
	var flat, foreign []types.BaseVirtualDevice
	for _, device := range vm.Config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok && flatBacking(disk) == nil {
			foreign = append(foreign, device)
			continue
		}
		flat = append(flat, device)
	}
	if len(foreign) == 0 {
		return func() {}
	}
	vm.Config.Hardware.Device = flat
	return func() {
		vm.Config.Hardware.Device = append(vm.Config.Hardware.Device, foreign...)
	}
}
