package main

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/vmware/govmomi/vim25/types"
)

// The methods of VirtualDiskManager, on real files.

func fileFault(name string, err error) types.BaseMethodFault {
	switch {
	case os.IsNotExist(err):
		return &types.FileNotFound{FileFault: types.FileFault{File: name}}
	case os.IsExist(err):
		return &types.FileAlreadyExists{FileFault: types.FileFault{File: name}}
	}
	return &types.CannotAccessFile{FileFault: types.FileFault{File: name}}
}

// openDisk finds the disk behind "[datastore] folder/x.vmdk".
func openDisk(name string) (string, *descriptor, types.BaseMethodFault) {
	file, fault := localFile(name)
	if fault != nil {
		return "", nil, fault
	}
	d, err := readDescriptor(file)
	if err != nil {
		return "", nil, fileFault(name, err)
	}
	if d == nil {
		return "", nil, &types.InvalidDiskFormat{}
	}
	return file, d, nil
}

// freePlace resolves the name of a disk to be made: nothing may be there, and its folder must exist.
func freePlace(name string) (string, types.BaseMethodFault) {
	file, fault := localFile(name)
	if fault != nil {
		return "", fault
	}
	if filepath.Ext(file) != ".vmdk" {
		return "", &types.InvalidDatastorePath{DatastorePath: name}
	}
	for _, each := range []string{file, filepath.Join(filepath.Dir(file), extentName(file))} {
		if _, err := os.Stat(each); err == nil {
			return "", fileFault(name, os.ErrExist)
		}
	}
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return "", fileFault(name, err)
	}
	return file, nil
}

func (p *peer) needsDatacenter(dc *types.ManagedObjectReference, property string) types.BaseMethodFault {
	if dc == nil && !p.isESX() {
		return &types.InvalidArgument{InvalidProperty: property}
	}
	return nil
}

func createVirtualDisk(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.CreateVirtualDisk_Task)
	if fault := c.peer.needsDatacenter(r.Datacenter, "datacenter"); fault != nil {
		return nil, fault
	}
	spec, ok := r.Spec.(types.BaseFileBackedVirtualDiskSpec)
	if !ok || spec.GetFileBackedVirtualDiskSpec().CapacityKb <= 0 {
		return nil, &types.InvalidArgument{InvalidProperty: "spec"}
	}
	backed := spec.GetFileBackedVirtualDiskSpec()
	file, fault := freePlace(r.Name)
	if fault != nil {
		return nil, fault
	}
	d := descriptor{
		CapacityBytes: backed.CapacityKb * 1024, IsThin: backed.DiskType == "thin", Adapter: backed.AdapterType,
	}
	if fault := c.peer.checkSpace(r.Name, d.CapacityBytes, d.IsThin); fault != nil {
		return nil, fault
	}
	if _, err := makeDisk(file, d); err != nil {
		return nil, fileFault(r.Name, err)
	}
	return r.Name, nil
}

func deleteVirtualDisk(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.DeleteVirtualDisk_Task)
	if fault := c.peer.needsDatacenter(r.Datacenter, "datacenter"); fault != nil {
		return nil, fault
	}
	file, d, fault := openDisk(r.Name)
	if fault != nil {
		return nil, fault
	}
	if fault := checkUnlocked(r.Name); fault != nil {
		return nil, fault
	}
	for _, each := range []string{d.dataFile(file), file} {
		if err := os.Remove(each); err != nil && !os.IsNotExist(err) {
			return nil, fileFault(r.Name, err)
		}
	}
	return nil, nil
}

func extendVirtualDisk(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.ExtendVirtualDisk_Task)
	if fault := c.peer.needsDatacenter(r.Datacenter, "datacenter"); fault != nil {
		return nil, fault
	}
	file, d, fault := openDisk(r.Name)
	if fault != nil {
		return nil, fault
	}
	if fault := checkUnlocked(r.Name); fault != nil {
		return nil, fault
	}
	if r.NewCapacityKb*1024 < d.CapacityBytes {
		return nil, &types.InvalidArgument{InvalidProperty: "newCapacityKb"}
	}
	return nil, extendDisk(r.Name, file, d, r.NewCapacityKb*1024)
}

// extendDisk makes a disk larger and shows it on the VMs that hold it.
func extendDisk(name, file string, d *descriptor, capacityBytes int64) types.BaseMethodFault {
	d.CapacityBytes = capacityBytes
	if err := os.Truncate(d.dataFile(file), capacityBytes); err != nil {
		return fileFault(name, err)
	}
	if err := d.write(file); err != nil {
		return fileFault(name, err)
	}
	for _, use := range usesOf(name) {
		describeDisks(use.vm)
	}
	return nil
}

func copyVirtualDisk(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.CopyVirtualDisk_Task)
	if fault := c.peer.needsDatacenter(r.SourceDatacenter, "sourceDatacenter"); fault != nil {
		return nil, fault
	}
	if r.DestSpec != nil && !c.peer.isESX() {
		// The reference says so: vCenter copies in the format of the source.
		return nil, &types.NotImplemented{}
	}
	file, d, fault := openDisk(r.SourceName)
	if fault != nil {
		return nil, fault
	}
	if fault := checkReadable(r.SourceName); fault != nil {
		return nil, fault
	}
	// The reference has r.Force, and real servers do not heed it: nothing is ever copied over.
	target, fault := freePlace(r.DestName)
	if fault != nil {
		return nil, fault
	}
	copied := *d
	copied.Extent = extentName(target)
	// A vCenter may write every block of a copy; a host by itself is told the format.
	copied.IsThin = wantsThin(r.DestSpec)
	if fault := c.peer.checkSpace(r.DestName, d.CapacityBytes, copied.IsThin); fault != nil {
		return nil, fault
	}
	if err := copySparse(d.dataFile(file), copied.dataFile(target)); err != nil {
		return nil, fileFault(r.DestName, err)
	}
	// A copy is a disk of its own, so it has a uuid of its own.
	copied.UUID, copied.ContentID = newDiskUUID(), newContentID()
	if err := copied.write(target); err != nil {
		return nil, fileFault(r.DestName, err)
	}
	return r.DestName, nil
}

func wantsThin(spec types.BaseVirtualDiskSpec) bool {
	return spec != nil && spec.GetVirtualDiskSpec().DiskType == string(types.VirtualDiskTypeThin)
}

func removeDiskFiles(name string) {
	if file, d, fault := openDisk(name); fault == nil {
		_ = os.Remove(d.dataFile(file))
		_ = os.Remove(file)
	}
}

func moveVirtualDisk(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.MoveVirtualDisk_Task)
	if fault := c.peer.needsDatacenter(r.SourceDatacenter, "sourceDatacenter"); fault != nil {
		return nil, fault
	}
	file, d, fault := openDisk(r.SourceName)
	if fault != nil {
		return nil, fault
	}
	if fault := checkUnlocked(r.SourceName); fault != nil {
		return nil, fault
	}
	target, fault := freePlace(r.DestName)
	if fault != nil {
		return nil, fault
	}
	moved := *d
	moved.Extent = extentName(target)
	if err := moveFile(d.dataFile(file), moved.dataFile(target)); err != nil {
		return nil, fileFault(r.DestName, err)
	}
	if err := moved.write(target); err != nil {
		return nil, fileFault(r.DestName, err)
	}
	return r.DestName, asFileFault(r.SourceName, os.Remove(file))
}

// moveFile also works between datastores on different volumes.
func moveFile(source, target string) error {
	err := os.Rename(source, target)
	if link, ok := err.(*os.LinkError); !ok || link.Err != syscall.EXDEV {
		return err
	}
	if err := copySparse(source, target); err != nil {
		return err
	}
	return os.Remove(source)
}

func asFileFault(name string, err error) types.BaseMethodFault {
	if err == nil {
		return nil
	}
	return fileFault(name, err)
}

func queryVirtualDiskUuid(c *call) answer {
	r := c.body.(*types.QueryVirtualDiskUuid)
	_, d, fault := openDisk(r.Name)
	if fault != nil {
		return refused(fault)
	}
	return answer{response: &types.QueryVirtualDiskUuidResponse{Returnval: ddbUUID(d.UUID)}}
}

func setVirtualDiskUuid(c *call) answer {
	r := c.body.(*types.SetVirtualDiskUuid)
	file, d, fault := openDisk(r.Name)
	if fault != nil {
		return refused(fault)
	}
	if fault := checkUnlocked(r.Name); fault != nil {
		return refused(fault)
	}
	d.UUID = uuidFromDdb(r.Uuid)
	if err := d.write(file); err != nil {
		return refused(fileFault(r.Name, err))
	}
	for _, use := range usesOf(r.Name) {
		describeDisks(use.vm)
	}
	return answer{response: &types.SetVirtualDiskUuidResponse{}}
}
