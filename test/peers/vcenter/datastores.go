package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// datastoreSpec is a local folder that hosts see as a datastore.
type datastoreSpec struct {
	Name   string   `json:"name"`
	Folder string   `json:"folder"`
	Type   string   `json:"type"`
	Hosts  []string `json:"hosts,omitempty"`
}

// sizeOverride says what the datastore reports instead of the size of the folder's own volume.
type sizeOverride struct {
	CapacityBytes int64 `json:"capacityBytes"`
	FreeBytes     int64 `json:"freeBytes"`
}

func parseDatastoreFlag(text string) (datastoreSpec, error) {
	name, folder, ok := strings.Cut(text, "=")
	if !ok || name == "" || folder == "" {
		return datastoreSpec{}, fmt.Errorf("-datastore %q: it is name=folder[,type]", text)
	}
	spec := datastoreSpec{Name: name, Folder: folder, Type: "VMFS"}
	if cut := strings.LastIndex(folder, ","); cut > 0 {
		spec.Folder, spec.Type = folder[:cut], folder[cut+1:]
	}
	return spec, nil
}

func (p *peer) addDatastore(spec datastoreSpec) error {
	if datastoreNamed(spec.Name) != nil {
		return fmt.Errorf("datastore %q exists", spec.Name)
	}
	folder, err := filepath.Abs(spec.Folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	ds := &simulator.Datastore{}
	ds.Name = spec.Name
	ds.Info, err = datastoreInfo(spec, folder)
	if err != nil {
		return err
	}
	ds.Summary = types.DatastoreSummary{
		Name: spec.Name, Type: spec.Type, Accessible: true, MaintenanceMode: "normal",
		MultipleHostAccess: types.NewBool(true),
		Url:                "ds:///vmfs/volumes/" + uuid.New().String() + "/",
	}
	ds.Capability = types.DatastoreCapability{
		DirectoryHierarchySupported: true, PerFileThinProvisioningSupported: true,
		RawDiskMappingsSupported:         spec.Type == "VMFS",
		TopLevelDirectoryCreateSupported: types.NewBool(spec.Type != "vsan"),
	}
	putDatastore(ds)
	for _, host := range allHosts() {
		if len(spec.Hosts) == 0 || contains(spec.Hosts, host.Name) {
			mountDatastore(host, ds)
		}
	}
	p.refreshSize(ds)
	return nil
}

func datastoreInfo(spec datastoreSpec, folder string) (types.BaseDatastoreInfo, error) {
	now := time.Now()
	base := types.DatastoreInfo{
		Name: spec.Name, Url: folder, MaxFileSize: 62 << 40, MaxVirtualDiskCapacity: 62 << 40,
		MaxMemoryFileSize: 62 << 40, Timestamp: &now, ContainerId: "",
	}
	switch spec.Type {
	case "VMFS":
		return &types.VmfsDatastoreInfo{DatastoreInfo: base, Vmfs: &types.HostVmfsVolume{
			HostFileSystemVolume: types.HostFileSystemVolume{Type: "VMFS", Name: spec.Name},
			BlockSizeMb:          1, MajorVersion: 6, Version: "6.82", Uuid: uuid.New().String(),
			Local: types.NewBool(false),
		}}, nil
	case "NFS", "NFS41":
		return &types.NasDatastoreInfo{DatastoreInfo: base, Nas: &types.HostNasVolume{
			HostFileSystemVolume: types.HostFileSystemVolume{Type: spec.Type, Name: spec.Name},
			RemoteHost:           "nas.example.com", RemotePath: "/" + spec.Name,
		}}, nil
	case "vsan":
		return &types.VsanDatastoreInfo{DatastoreInfo: base, MembershipUuid: uuid.New().String()}, nil
	}
	return nil, fmt.Errorf("unknown datastore type %q: it is VMFS, NFS, NFS41 or vsan", spec.Type)
}

// putDatastore files the object in the inventory under an identifier like those of vCenter.
func putDatastore(ds *simulator.Datastore) {
	dc := simulator.Map.Any("Datacenter").(*simulator.Datacenter)
	folder := simulator.Map.Get(dc.DatastoreFolder).(*simulator.Folder)
	ds.Self = types.ManagedObjectReference{
		Type: "Datastore", Value: fmt.Sprintf("datastore-%d", 1001+len(simulator.Map.All("Datastore"))),
	}
	ds.Summary.Datastore = &ds.Self
	browser := &simulator.HostDatastoreBrowser{}
	browser.Datastore = []types.ManagedObjectReference{ds.Self}
	ds.Browser = simulator.Map.Put(browser).Reference()
	folder.ChildEntity = append(folder.ChildEntity, ds.Self)
	simulator.Map.PutEntity(folder, ds)
	dc.Datastore = append(dc.Datastore, ds.Self)
}

func mountDatastore(host *simulator.HostSystem, ds *simulator.Datastore) {
	if system, ok := simulator.Map.Get(*host.ConfigManager.DatastoreSystem).(*simulator.HostDatastoreSystem); ok {
		system.Datastore = append(system.Datastore, ds.Self)
	}
	host.Datastore = append(host.Datastore, ds.Self)
	switch parent := simulator.Map.Get(*host.Parent).(type) {
	case *simulator.ClusterComputeResource:
		simulator.Map.AddReference(parent, &parent.Datastore, ds.Self)
	case *mo.ComputeResource:
		simulator.Map.AddReference(parent, &parent.Datastore, ds.Self)
	}
	ds.Host = append(ds.Host, types.DatastoreHostMount{Key: host.Self, MountInfo: types.HostMountInfo{
		Path: ds.Summary.Url, AccessMode: "readWrite",
		Mounted: types.NewBool(true), Accessible: types.NewBool(true),
	}})
}

// refreshSize reads the volume's size, unless a test has said what it is to be.
func (p *peer) refreshSize(ds *simulator.Datastore) {
	info := ds.Info.GetDatastoreInfo()
	size, isSet := p.sizes[ds.Name]
	if !isSet {
		var stat syscall.Statfs_t
		if err := syscall.Statfs(info.Url, &stat); err != nil {
			return
		}
		size.CapacityBytes = int64(stat.Blocks) * stat.Bsize
		size.FreeBytes = int64(stat.Bavail) * stat.Bsize
	}
	ds.Summary.Capacity, ds.Summary.FreeSpace = size.CapacityBytes, size.FreeBytes
	info.FreeSpace = size.FreeBytes
}

func refreshDatastore(c *call) answer {
	ds, ok := simulator.Map.Get(c.this).(*simulator.Datastore)
	if !ok {
		return refused(&types.ManagedObjectNotFound{Obj: c.this})
	}
	c.peer.refreshSize(ds)
	return answer{response: &types.RefreshDatastoreResponse{}}
}

func contains(list []string, text string) bool {
	for _, entry := range list {
		if entry == text {
			return true
		}
	}
	return false
}
