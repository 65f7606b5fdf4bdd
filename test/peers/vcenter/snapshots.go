package main

import (
	"fmt"
	"log"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// A snapshot freezes the files of the disks: the VM goes on in new ones, x-000001.vmdk, whose parent is the old.
// The new file holds the whole content and not only what differs, so that tools and QEMU read it as raw.

func createSnapshot(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	frozen := copyDevices(vm)
	p := c.peer
	if isTrue(vm.Config.ChangeTrackingEnabled) {
		if err := p.tracks.mark(frozen); err != nil {
			return nil, &types.SystemError{Reason: err.Error()}
		}
	}
	restore := hideForeignDisks(vm)
	result, fault := p.innerTask(c)
	restore()
	if fault != nil {
		return nil, fault
	}
	if snapshot, ok := simulator.Map.Get(result.(types.ManagedObjectReference)).(*simulator.VirtualMachineSnapshot); ok {
		snapshot.Config.Hardware.Device = frozen
	}
	for _, disk := range disksOf(vm) {
		if fault := branch(disk); fault != nil {
			return nil, fault
		}
	}
	describeDisks(vm)
	return result, nil
}

// copyDevices copies the disks as they are, because those of the VM go on to other files.
func copyDevices(vm *simulator.VirtualMachine) []types.BaseVirtualDevice {
	var devices []types.BaseVirtualDevice
	for _, device := range vm.Config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok {
			copied := *disk
			if b := flatBacking(disk); b != nil {
				backing := *b
				copied.Backing = &backing
			}
			device = &copied
		}
		devices = append(devices, device)
	}
	return devices
}

// branch moves a disk of a VM to a new file above the present one. Independent disks stay out of snapshots.
func branch(disk *types.VirtualDisk) types.BaseMethodFault {
	b := flatBacking(disk)
	if b == nil || strings.HasPrefix(b.DiskMode, "independent") {
		return nil
	}
	file, d, fault := openDisk(b.FileName)
	if fault != nil {
		return fault
	}
	name := nextDelta(b.FileName)
	target := filepath.Join(filepath.Dir(file), path.Base(name))
	delta := *d
	delta.Extent = strings.TrimSuffix(path.Base(name), ".vmdk") + "-delta.vmdk"
	delta.Parent, delta.ContentID = filepath.Base(file), newContentID()
	if err := copySparse(d.dataFile(file), delta.dataFile(target)); err != nil {
		return fileFault(name, err)
	}
	if err := delta.write(target); err != nil {
		return fileFault(name, err)
	}
	parent := *b
	b.Parent, b.FileName, b.DeltaDiskFormat = &parent, name, "redoLogFormat"
	return nil
}

// nextDelta names the first free x-00000n.vmdk.
func nextDelta(name string) string {
	base := strings.TrimSuffix(name, ".vmdk")
	if cut := len(base) - len("-000001"); cut > 0 && base[cut] == '-' && strings.Trim(base[cut+1:], "0123456789") == "" {
		base = base[:cut]
	}
	for n := 1; ; n++ {
		candidate := fmt.Sprintf("%s-%06d.vmdk", base, n)
		file, fault := localFile(candidate)
		if fault != nil {
			return candidate
		}
		if _, err := os.Stat(file); os.IsNotExist(err) {
			return candidate
		}
	}
}

func removeSnapshot(c *call) (types.AnyType, types.BaseMethodFault) {
	snapshot, ok := simulator.Map.Get(c.this).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	vm := vmOf(snapshot.Vm)
	if fault := checkMergeable(vm); fault != nil {
		return nil, fault
	}
	config := snapshot.Config
	restore := hideForeignDisks(vm)
	_, fault := c.peer.innerTask(c)
	restore()
	if fault != nil {
		return nil, fault
	}
	r := c.body.(*types.RemoveSnapshot_Task)
	if vm.Snapshot == nil {
		return nil, mergeAll(vm)
	}
	if r.RemoveChildren || r.Consolidate == nil || *r.Consolidate {
		return nil, mergeFrozen(vm, config)
	}
	return nil, nil
}

func removeAllSnapshots(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	if fault := checkMergeable(vm); fault != nil {
		return nil, fault
	}
	restore := hideForeignDisks(vm)
	_, fault := c.peer.innerTask(c)
	restore()
	if fault != nil {
		return nil, fault
	}
	return nil, mergeAll(vm)
}

func consolidateDisks(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	if vm.Snapshot != nil {
		return nil, nil
	}
	if fault := checkMergeable(vm); fault != nil {
		return nil, fault
	}
	return nil, mergeAll(vm)
}

// mergeAll brings every disk back into its base file, with the content it has now.
func mergeAll(vm *simulator.VirtualMachine) types.BaseMethodFault {
	for _, disk := range disksOf(vm) {
		for b := flatBacking(disk); b != nil && b.Parent != nil; {
			if fault := mergeIntoParent(b); fault != nil {
				return fault
			}
		}
	}
	describeDisks(vm)
	return nil
}

// mergeIntoParent replaces the parent's content with that of the file above it, which goes away.
func mergeIntoParent(b *types.VirtualDiskFlatVer2BackingInfo) types.BaseMethodFault {
	file, d, fault := openDisk(b.FileName)
	if fault != nil {
		return fault
	}
	parentFile, parent, fault := openDisk(b.Parent.FileName)
	if fault != nil {
		return fault
	}
	if err := os.Rename(d.dataFile(file), parent.dataFile(parentFile)); err != nil {
		return fileFault(b.FileName, err)
	}
	if err := os.Remove(file); err != nil {
		log.Print(err)
	}
	b.FileName, b.Parent, b.DeltaDiskFormat = b.Parent.FileName, b.Parent.Parent, b.Parent.DeltaDiskFormat
	return nil
}

// mergeFrozen folds the files of one removed snapshot out of the chain: the file right above takes its place.
func mergeFrozen(vm *simulator.VirtualMachine, removed types.VirtualMachineConfigInfo) types.BaseMethodFault {
	for _, device := range removed.Hardware.Device {
		disk, ok := device.(*types.VirtualDisk)
		if !ok || flatBacking(disk) == nil {
			continue
		}
		name := flatBacking(disk).FileName
		for _, own := range disksOf(vm) {
			for b := flatBacking(own); b != nil; b = b.Parent {
				if b.Parent != nil && b.Parent.FileName == name {
					if fault := mergeIntoParent(b); fault != nil {
						return fault
					}
				}
			}
		}
	}
	describeDisks(vm)
	return nil
}

// revertToSnapshot gives the disks the content they had, in new files above the frozen ones.
func revertToSnapshot(c *call) (types.AnyType, types.BaseMethodFault) {
	snapshot, ok := simulator.Map.Get(c.this).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	vm := vmOf(snapshot.Vm)
	if isOn(vm) {
		c.peer.cutPower(vm)
	}
	restore := hideForeignDisks(vm)
	result, fault := c.peer.innerTask(c)
	restore()
	if fault != nil {
		return nil, fault
	}
	for _, disk := range disksOf(vm) {
		frozen := frozenBacking(snapshot, disk.Key)
		if b := flatBacking(disk); b != nil && frozen != nil && b.FileName != frozen.FileName {
			removeDiskFiles(b.FileName)
			backing := *frozen
			disk.Backing = &backing
			if fault := branch(disk); fault != nil {
				return nil, fault
			}
		}
	}
	describeDisks(vm)
	return result, nil
}

func frozenBacking(snapshot *simulator.VirtualMachineSnapshot, key int32) *types.VirtualDiskFlatVer2BackingInfo {
	for _, device := range snapshot.Config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok && disk.Key == key {
			return flatBacking(disk)
		}
	}
	return nil
}
