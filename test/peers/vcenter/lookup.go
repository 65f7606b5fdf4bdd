package main

import (
	"path"
	"sort"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

func allHosts() []*simulator.HostSystem {
	var hosts []*simulator.HostSystem
	for _, entity := range simulator.Map.All("HostSystem") {
		hosts = append(hosts, entity.(*simulator.HostSystem))
	}
	sort.Slice(hosts, func(i, j int) bool { return hosts[i].Name < hosts[j].Name })
	return hosts
}

func allVMs() []*simulator.VirtualMachine {
	var vms []*simulator.VirtualMachine
	for _, entity := range simulator.Map.All("VirtualMachine") {
		vms = append(vms, entity.(*simulator.VirtualMachine))
	}
	sort.Slice(vms, func(i, j int) bool { return vms[i].Name < vms[j].Name })
	return vms
}

func vmOf(ref types.ManagedObjectReference) *simulator.VirtualMachine {
	vm, _ := simulator.Map.Get(ref).(*simulator.VirtualMachine)
	return vm
}

func datastoreNamed(name string) *simulator.Datastore {
	for _, entity := range simulator.Map.All("Datastore") {
		if ds := entity.(*simulator.Datastore); ds.Name == name {
			return ds
		}
	}
	return nil
}

func nameOf(ref types.ManagedObjectReference) string {
	if entity, ok := simulator.Map.Get(ref).(mo.Entity); ok {
		return entity.Entity().Name
	}
	return ref.Value
}

// localFile translates "[datastore] folder/file" to a file of this machine.
func localFile(name string) (string, types.BaseMethodFault) {
	var p object.DatastorePath
	if !p.FromString(name) {
		return "", &types.InvalidDatastorePath{
			InvalidDatastore: types.InvalidDatastore{Name: name}, DatastorePath: name,
		}
	}
	ds := datastoreNamed(p.Datastore)
	if ds == nil {
		return "", &types.InvalidDatastore{Name: p.Datastore}
	}
	return path.Join(ds.Info.GetDatastoreInfo().Url, path.Clean("/"+p.Path)), nil
}

// isMounted tells whether the host sees the datastore of this path.
func isMounted(host *types.ManagedObjectReference, name string) bool {
	var p object.DatastorePath
	if host == nil || !p.FromString(name) {
		return false
	}
	h, ok := simulator.Map.Get(*host).(*simulator.HostSystem)
	return ok && simulator.Map.FindByName(p.Datastore, h.Datastore) != nil
}

func isOn(vm *simulator.VirtualMachine) bool {
	return vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
}
