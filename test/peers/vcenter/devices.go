package main

import (
	"fmt"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// grownDisk is an edit that makes a disk larger.
type grownDisk struct {
	name  string
	bytes int64
}

// changing is the VM whose configuration changes, nil while it is being created, and the host it is or will be on.
type changing struct {
	vm   *simulator.VirtualMachine
	host *types.ManagedObjectReference
}

// checkDevices looks at every change before the first is made, and completes what the simulator relies on.
func (p *peer) checkDevices(target *changing, spec *types.VirtualMachineConfigSpec) ([]grownDisk, types.BaseMethodFault) {
	var grown []grownDisk
	for i, change := range spec.DeviceChange {
		device := change.GetVirtualDeviceConfigSpec()
		base := device.Device.GetVirtualDevice()
		if base.DeviceInfo == nil && device.Operation == types.VirtualDeviceConfigSpecOperationEdit {
			base.DeviceInfo = &types.Description{}
		}
		if nic, ok := device.Device.(types.BaseVirtualEthernetCard); ok && device.Operation == types.VirtualDeviceConfigSpecOperationAdd {
			if fault := checkNetwork(nic, i); fault != nil {
				return nil, fault
			}
		}
		disk, ok := device.Device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		if target.vm != nil && isOn(target.vm) && isOnIDE(target.vm, disk) {
			return nil, invalidPower(target.vm, types.VirtualMachinePowerStatePoweredOff)
		}
		more, fault := p.checkDisk(target, device, disk)
		if fault != nil {
			return nil, fault
		}
		grown = append(grown, more...)
	}
	return grown, nil
}

func (p *peer) checkDisk(target *changing, change *types.VirtualDeviceConfigSpec, disk *types.VirtualDisk) ([]grownDisk, types.BaseMethodFault) {
	switch change.Operation {
	case types.VirtualDeviceConfigSpecOperationAdd:
		return nil, p.checkAddedDisk(target, change, disk)
	case types.VirtualDeviceConfigSpecOperationRemove:
		return nil, completeRemoval(target.vm, change)
	case types.VirtualDeviceConfigSpecOperationEdit:
		return checkEditedDisk(target.vm, disk)
	}
	return nil, nil
}

func (p *peer) checkAddedDisk(target *changing, change *types.VirtualDeviceConfigSpec, disk *types.VirtualDisk) types.BaseMethodFault {
	b := flatBacking(disk)
	if b == nil {
		return &types.InvalidDeviceBacking{}
	}
	if disk.CapacityInKB == 0 {
		disk.CapacityInKB = disk.CapacityInBytes / 1024
	}
	if target.host != nil && b.FileName != "" && !isMounted(target.host, b.FileName) {
		return &types.InvalidDatastorePath{DatastorePath: b.FileName}
	}
	if change.FileOperation != "" {
		if disk.CapacityInKB <= 0 {
			return &types.InvalidArgument{InvalidProperty: "capacityInKB"}
		}
		return p.checkSpace(b.FileName, disk.CapacityInKB*1024, isTrue(b.ThinProvisioned))
	}
	_, d, fault := openDisk(b.FileName)
	if fault != nil {
		return fault
	}
	if fault := checkAttachable(target.vm, b); fault != nil {
		return asHostSays(fault, fmt.Sprintf("Failed to add disk 'scsi0:%d'.", unitOf(disk)))
	}
	disk.CapacityInKB, disk.CapacityInBytes = d.CapacityBytes/1024, d.CapacityBytes
	return nil
}

// completeRemoval puts the VM's own device into the change: a caller may name it by its key alone.
func completeRemoval(vm *simulator.VirtualMachine, change *types.VirtualDeviceConfigSpec) types.BaseMethodFault {
	key := change.Device.GetVirtualDevice().Key
	for _, own := range disksOfOrNone(vm) {
		if own.Key == key {
			change.Device = own
			return nil
		}
	}
	return &types.InvalidDeviceSpec{InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec.device.key"}}
}

func checkEditedDisk(vm *simulator.VirtualMachine, disk *types.VirtualDisk) ([]grownDisk, types.BaseMethodFault) {
	for _, own := range disksOfOrNone(vm) {
		if own.Key != disk.Key {
			continue
		}
		b := flatBacking(own)
		if disk.CapacityInBytes > disk.CapacityInKB*1024 {
			disk.CapacityInKB = disk.CapacityInBytes / 1024
		}
		switch {
		case b == nil || disk.CapacityInKB == own.CapacityInKB:
			return nil, nil
		case b.Parent != nil:
			// A disk below a snapshot keeps its size.
			return nil, &types.InvalidDeviceOperation{}
		case disk.CapacityInKB < own.CapacityInKB:
			return nil, &types.InvalidArgument{InvalidProperty: "capacityInKB"}
		}
		return []grownDisk{{b.FileName, disk.CapacityInKB * 1024}}, nil
	}
	return nil, &types.InvalidDeviceSpec{}
}

func disksOfOrNone(vm *simulator.VirtualMachine) []*types.VirtualDisk {
	if vm == nil {
		return nil
	}
	return disksOf(vm)
}

func isOnIDE(vm *simulator.VirtualMachine, disk *types.VirtualDisk) bool {
	for _, device := range vm.Config.Hardware.Device {
		if ide, ok := device.(*types.VirtualIDEController); ok && ide.Key == disk.ControllerKey {
			return true
		}
	}
	return false
}

func checkNetwork(nic types.BaseVirtualEthernetCard, index int) types.BaseMethodFault {
	b, ok := nic.GetVirtualEthernetCard().Backing.(*types.VirtualEthernetCardNetworkBackingInfo)
	if !ok {
		return nil
	}
	dc := simulator.Map.Any("Datacenter").(*simulator.Datacenter)
	if simulator.Map.FindByName(b.DeviceName, dc.Network) == nil {
		return &types.InvalidDeviceBacking{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)}}
	}
	return nil
}

// checkSpace refuses a thick disk that is larger than what the datastore has left.
func (p *peer) checkSpace(name string, bytes int64, isThin bool) types.BaseMethodFault {
	dsName, _, _ := strings.Cut(strings.TrimPrefix(name, "["), "]")
	ds := datastoreNamed(dsName)
	if ds == nil || isThin || bytes <= ds.Summary.FreeSpace {
		return nil
	}
	return &types.NoDiskSpace{FileFault: types.FileFault{File: name}, Datastore: ds.Name}
}
