package main

import (
	"os"
	"path"
	"reflect"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// cloneVM makes a VM like another one and copies the bytes of its disks. The simulator's own method makes empty
// disks and takes the files away from the source.
func cloneVM(c *call) (types.AnyType, types.BaseMethodFault) {
	source := vmOf(c.this)
	if source == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	r := c.body.(*types.CloneVM_Task)
	pool := r.Spec.Location.Pool
	if pool == nil {
		pool = source.ResourcePool
	}
	if pool == nil {
		return nil, &types.InvalidArgument{InvalidProperty: "spec.location.pool"}
	}
	spec, names := cloneSpec(source, r)
	inner := *c
	inner.method, inner.this = "CreateVM_Task", r.Folder
	inner.body = &types.CreateVM_Task{This: r.Folder, Config: spec, Pool: *pool, Host: r.Spec.Location.Host}
	result, fault := createVM(&inner)
	if fault != nil {
		return nil, fault
	}
	for from, to := range names {
		if fault := copyBytes(from, to); fault != nil {
			return nil, fault
		}
	}
	if r.Spec.PowerOn {
		ref := result.(types.ManagedObjectReference)
		inner.method, inner.this, inner.body = "PowerOnVM_Task", ref, &types.PowerOnVM_Task{This: ref}
		if _, fault := powerOn(&inner); fault != nil {
			return nil, fault
		}
	}
	return result, nil
}

// cloneSpec also gives the new file of every disk by the one it is copied from.
func cloneSpec(source *simulator.VirtualMachine, r *types.CloneVM_Task) (types.VirtualMachineConfigSpec, map[string]string) {
	var vmx object.DatastorePath
	vmx.FromString(source.Config.Files.VmPathName)
	if ref := r.Spec.Location.Datastore; ref != nil {
		vmx.Datastore = nameOf(*ref)
	}
	hardware := source.Config.Hardware
	spec := types.VirtualMachineConfigSpec{
		Name: r.Name, GuestId: source.Config.GuestId, NumCPUs: hardware.NumCPU, MemoryMB: int64(hardware.MemoryMB),
		Firmware: source.Config.Firmware, Files: &types.VirtualMachineFileInfo{VmPathName: "[" + vmx.Datastore + "]"},
	}
	names := map[string]string{}
	for _, device := range hardware.Device {
		switch d := device.(type) {
		case types.BaseVirtualSCSIController:
			controller := scsiController(scsiKind(device), d.GetVirtualSCSIController().BusNumber)
			spec.DeviceChange = append(spec.DeviceChange, addDevice(controller, ""))
		case types.BaseVirtualEthernetCard:
			spec.DeviceChange = append(spec.DeviceChange, addDevice(copyCard(device), ""))
		case *types.VirtualDisk:
			b := flatBacking(d)
			if b == nil {
				continue
			}
			name := object.DatastorePath{Datastore: vmx.Datastore, Path: path.Join(r.Name, cloneFile(r.Name, len(names)))}
			names[b.FileName] = name.String()
			spec.DeviceChange = append(spec.DeviceChange,
				addDevice(copyDisk(d, name.String()), types.VirtualDeviceConfigSpecFileOperationCreate))
		}
	}
	return spec, names
}

func cloneFile(name string, number int) string {
	if number == 0 {
		return name + ".vmdk"
	}
	return name + "_" + itoa(int32(number)) + ".vmdk"
}

func copyDisk(disk *types.VirtualDisk, name string) *types.VirtualDisk {
	b := flatBacking(disk)
	unit := unitOf(disk)
	return &types.VirtualDisk{
		CapacityInKB: disk.CapacityInKB,
		VirtualDevice: types.VirtualDevice{
			Key: -disk.Key, ControllerKey: disk.ControllerKey, UnitNumber: &unit,
			Backing: &types.VirtualDiskFlatVer2BackingInfo{
				DiskMode: b.DiskMode, ThinProvisioned: b.ThinProvisioned,
				VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: name},
			},
		},
	}
}

// copyCard keeps type and network of a card; the address is a new one.
func copyCard(device types.BaseVirtualDevice) types.BaseVirtualDevice {
	copied := reflect.New(reflect.TypeOf(device).Elem())
	copied.Elem().Set(reflect.ValueOf(device).Elem())
	card := copied.Interface().(types.BaseVirtualEthernetCard).GetVirtualEthernetCard()
	card.Key, card.MacAddress, card.UnitNumber, card.DeviceInfo = -card.Key, "", nil, nil
	return copied.Interface().(types.BaseVirtualDevice)
}

func copyBytes(from, to string) types.BaseMethodFault {
	file, d, fault := openDisk(from)
	if fault != nil {
		return fault
	}
	target, made, fault := openDisk(to)
	if fault != nil {
		return fault
	}
	if err := os.Remove(made.dataFile(target)); err != nil {
		return fileFault(to, err)
	}
	return asFileFault(to, copySparse(d.dataFile(file), made.dataFile(target)))
}

// relocateVM moves between hosts and pools only: the simulator names another datastore and leaves the files.
func relocateVM(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.RelocateVM_Task)
	if r.Spec.Datastore != nil || len(r.Spec.Disk) > 0 {
		return nil, &types.NotSupported{}
	}
	return c.peer.innerTask(c)
}

// placeVM picks the host with the fewest VMs of those in the pool that see the datastore. The simulator picks by
// chance, and loses hosts of a cluster when only some see it.
func placeVM(pool types.ManagedObjectReference, name string) (*types.ManagedObjectReference, types.BaseMethodFault) {
	var best *simulator.HostSystem
	for _, host := range allHosts() {
		if !isMounted(&host.Self, name) || !isInPool(host, pool) {
			continue
		}
		if best == nil || len(host.Vm) < len(best.Vm) {
			best = host
		}
	}
	if best == nil {
		return nil, &types.InvalidDatastorePath{DatastorePath: name}
	}
	return &best.Self, nil
}

// isInPool walks up from the pool to the cluster or the host that it divides.
func isInPool(host *simulator.HostSystem, pool types.ManagedObjectReference) bool {
	for at := pool; ; {
		if at == *host.Parent {
			return true
		}
		entity, ok := simulator.Map.Get(at).(mo.Entity)
		if !ok || entity.Entity().Parent == nil {
			return false
		}
		at = *entity.Entity().Parent
	}
}
