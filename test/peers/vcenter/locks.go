package main

import (
	"fmt"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// diskUse is one VM that holds a disk file.
type diskUse struct {
	vm     *simulator.VirtualMachine
	disk   *types.VirtualDisk
	isBase bool // the file is below a snapshot of this VM
	shared bool
}

func disksOf(vm *simulator.VirtualMachine) []*types.VirtualDisk {
	var disks []*types.VirtualDisk
	if vm.Config == nil {
		return nil
	}
	for _, device := range vm.Config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok {
			disks = append(disks, disk)
		}
	}
	return disks
}

func flatBacking(disk *types.VirtualDisk) *types.VirtualDiskFlatVer2BackingInfo {
	backing, _ := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	return backing
}

// samePath compares datastore paths as files, not as texts.
func samePath(a, b string) bool {
	var x, y object.DatastorePath
	return x.FromString(a) && y.FromString(b) && x.String() == y.String()
}

func usesOf(name string) []diskUse {
	var uses []diskUse
	for _, vm := range allVMs() {
		for _, disk := range disksOf(vm) {
			for b := flatBacking(disk); b != nil; b = b.Parent {
				if samePath(b.FileName, name) {
					uses = append(uses, diskUse{
						vm: vm, disk: disk, isBase: b != flatBacking(disk),
						shared: b.Sharing == string(types.VirtualDiskSharingSharingMultiWriter),
					})
				}
			}
		}
	}
	return uses
}

// asHostSays is how a host tells that it could not open a disk for a VM: what is wrong stands in the messages only.
func asHostSays(fault types.BaseMethodFault, summary string) types.BaseMethodFault {
	locked, ok := fault.(*types.FileLocked)
	if !ok {
		return fault
	}
	told := &types.GenericVmConfigFault{Reason: summary}
	for _, message := range [][2]string{
		{"vob.fssvec.LookupAndOpen.file.failed", "File system specific implementation of LookupAndOpen[file] failed"},
		{"vob.fssvec.LookupAndOpen.file.failed", "File system specific implementation of LookupAndOpen[file] failed"},
		{"msg.fileio.lock", "Failed to lock the file"},
		{"msg.disk.noBackEnd", fmt.Sprintf("Cannot open the disk '%s' or one of the snapshot disks it depends on.", locked.File)},
	} {
		told.FaultMessage = append(told.FaultMessage, types.LocalizableMessage{Key: message[0], Message: message[1]})
	}
	return told
}

func fileLocked(name string) types.BaseMethodFault {
	return &types.FileLocked{FileFault: types.FileFault{File: name}}
}

// checkUnlocked refuses a file that a powered-on VM holds; ESXi keeps its lock as long as the VM runs.
func checkUnlocked(name string) types.BaseMethodFault {
	for _, use := range usesOf(name) {
		if isOn(use.vm) {
			return fileLocked(name)
		}
	}
	return nil
}

// checkReadable refuses a file that a powered-on VM writes to. One below a snapshot is only read, by everybody.
func checkReadable(name string) types.BaseMethodFault {
	for _, use := range usesOf(name) {
		if isOn(use.vm) && !use.isBase {
			return fileLocked(name)
		}
	}
	return nil
}

// checkMergeable refuses to put disks together while another running VM reads what they stand on.
func checkMergeable(vm *simulator.VirtualMachine) types.BaseMethodFault {
	for _, disk := range disksOf(vm) {
		for b := flatBacking(disk); b != nil && b.Parent != nil; b = b.Parent {
			for _, use := range usesOf(b.Parent.FileName) {
				if use.vm.Self != vm.Self && isOn(use.vm) {
					return fileLocked(b.Parent.FileName)
				}
			}
		}
	}
	return nil
}

// checkAttachable refuses a disk that another VM holds open, unless both share it or this one only reads a base.
func checkAttachable(vm *simulator.VirtualMachine, b *types.VirtualDiskFlatVer2BackingInfo) types.BaseMethodFault {
	shares := b.Sharing == string(types.VirtualDiskSharingSharingMultiWriter)
	onlyReads := b.DiskMode == string(types.VirtualDiskModeIndependent_nonpersistent) ||
		b.DiskMode == string(types.VirtualDiskModeNonpersistent)
	for _, use := range usesOf(b.FileName) {
		if vm != nil && use.vm.Self == vm.Self {
			if !use.isBase {
				return &types.InvalidDeviceSpec{InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec.device"}}
			}
			continue
		}
		if !isOn(use.vm) || (use.shared && shares) || (use.isBase && onlyReads) {
			continue
		}
		return fileLocked(b.FileName)
	}
	return nil
}

// checkStartable refuses to start a VM while another running one holds one of its disks.
func checkStartable(vm *simulator.VirtualMachine) types.BaseMethodFault {
	for _, disk := range disksOf(vm) {
		b := flatBacking(disk)
		if b == nil {
			continue
		}
		if _, _, fault := openDisk(b.FileName); fault != nil {
			return fault
		}
		for _, use := range usesOf(b.FileName) {
			isShared := use.shared && b.Sharing == string(types.VirtualDiskSharingSharingMultiWriter)
			if use.vm.Self != vm.Self && isOn(use.vm) && !isShared {
				return fileLocked(b.FileName)
			}
		}
	}
	return nil
}
