package main

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// inventorySpec makes many like VMs at once, through the same steps as the API.
type inventorySpec struct {
	Prefix    string `json:"prefix"`
	Count     int    `json:"count"`
	Datastore string `json:"datastore"`
	Disks     int    `json:"disks"`
	DiskMb    int    `json:"diskMb"`
	Network   string `json:"network"`
	Firmware  string `json:"firmware"`
	GuestID   string `json:"guestId"`
	IsOn      bool   `json:"isOn"`
	// Folder is one of that name below the datacenter's own, made when it is not there; names are unique within one.
	Folder string `json:"folder"`
	// DisksMb are the sizes of the disks where they differ.
	DisksMb []int `json:"disksMb"`
	// HasRdm adds a raw device mapping, which the simulator cannot make over the API.
	HasRdm bool `json:"hasRdm"`
}

func addInventory(p *peer, body []byte) (interface{}, error) {
	spec := inventorySpec{Prefix: "vm-", Count: 1, Disks: 1, DiskMb: 16, Firmware: "bios", GuestID: "otherGuest64"}
	if err := json.Unmarshal(body, &spec); err != nil {
		return nil, err
	}
	if spec.Datastore == "" {
		return nil, fmt.Errorf("say on which datastore")
	}
	made := map[string]string{}
	for n := 0; n < spec.Count; n++ {
		name := spec.Prefix
		if spec.Count > 1 {
			name = fmt.Sprintf("%s%04d", spec.Prefix, n)
		}
		ref, err := p.makeVM(spec, name)
		if err != nil {
			return nil, err
		}
		made[name] = ref.Value
	}
	return made, nil
}

// internalSession is what the peer itself calls with.
func (p *peer) internalSession() *userSession {
	return &userSession{account: &account{Name: "peer"}, Session: &simulator.Session{
		UserSession: types.UserSession{Key: uuid.New().String(), UserName: "peer"},
		Registry:    simulator.NewRegistry(),
	}}
}

func (p *peer) makeVM(spec inventorySpec, name string) (types.ManagedObjectReference, error) {
	folder, err := p.folderNamed(spec.Folder)
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	c := &call{peer: p, method: "CreateVM_Task", this: folder, session: p.internalSession()}
	c.body = &types.CreateVM_Task{This: folder, Config: vmSpec(spec, name), Pool: anyPool()}
	result, fault := createVM(c)
	if fault != nil {
		return types.ManagedObjectReference{}, fmt.Errorf("%s: %s", name, faultMessage(fault))
	}
	ref := result.(types.ManagedObjectReference)
	vm := vmOf(ref)
	if spec.HasRdm {
		addRdm(vm)
	}
	if spec.IsOn {
		on := &call{peer: p, method: "PowerOnVM_Task", this: ref, session: c.session, body: &types.PowerOnVM_Task{This: ref}}
		if _, fault := powerOn(on); fault != nil {
			return ref, fmt.Errorf("%s: %s", name, faultMessage(fault))
		}
	}
	return ref, nil
}

func (p *peer) folderNamed(name string) (types.ManagedObjectReference, error) {
	top := simulator.Map.Any("Datacenter").(*simulator.Datacenter).VmFolder
	if name == "" {
		return top, nil
	}
	folder := simulator.Map.Get(top).(*simulator.Folder)
	if found := simulator.Map.FindByName(name, folder.ChildEntity); found != nil {
		return found.Reference(), nil
	}
	body := p.invoke(p.internalSession(), top, "CreateFolder", &types.CreateFolder{This: top, Name: name})
	if fault := body.Fault(); fault != nil {
		return top, fmt.Errorf("folder %s: %s", name, fault.String)
	}
	return body.(*methods.CreateFolderBody).Res.Returnval, nil
}

func anyPool() types.ManagedObjectReference {
	for _, host := range allHosts() {
		switch parent := simulator.Map.Get(*host.Parent).(type) {
		case *simulator.ClusterComputeResource:
			return *parent.ResourcePool
		case *mo.ComputeResource:
			return *parent.ResourcePool
		}
	}
	return simulator.Map.Any("ResourcePool").Reference()
}

func vmSpec(spec inventorySpec, name string) types.VirtualMachineConfigSpec {
	config := types.VirtualMachineConfigSpec{
		Name: name, GuestId: spec.GuestID, NumCPUs: 1, MemoryMB: 256, Firmware: spec.Firmware,
		Files:        &types.VirtualMachineFileInfo{VmPathName: "[" + spec.Datastore + "]"},
		DeviceChange: []types.BaseVirtualDeviceConfigSpec{addDevice(scsiController("pvscsi", 0), "")},
	}
	directory := name
	if spec.Folder != "" {
		directory = spec.Folder + "-" + name
		config.Files.VmPathName = fmt.Sprintf("[%s] %s/%s.vmx", spec.Datastore, directory, name)
	}
	if len(spec.DisksMb) > 0 {
		spec.Disks = len(spec.DisksMb)
	}
	for n := int32(0); n < int32(spec.Disks); n++ {
		sizeMb := spec.DiskMb
		if len(spec.DisksMb) > 0 {
			sizeMb = spec.DisksMb[n]
		}
		unit := n
		suffix := ""
		if n > 0 {
			suffix = "_" + itoa(n)
		}
		config.DeviceChange = append(config.DeviceChange, addDevice(&types.VirtualDisk{
			CapacityInKB: int64(sizeMb) << 10,
			VirtualDevice: types.VirtualDevice{
				Key: -101 - n, ControllerKey: firstSCSIKey, UnitNumber: &unit,
				Backing: &types.VirtualDiskFlatVer2BackingInfo{
					DiskMode: "persistent", ThinProvisioned: types.NewBool(true),
					VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{
						FileName: fmt.Sprintf("[%s] %s/%s%s.vmdk", spec.Datastore, directory, name, suffix),
					},
				},
			},
		}, types.VirtualDeviceConfigSpecFileOperationCreate))
	}
	if spec.Network != "" {
		config.DeviceChange = append(config.DeviceChange, addDevice(&types.VirtualVmxnet3{
			VirtualVmxnet: types.VirtualVmxnet{VirtualEthernetCard: types.VirtualEthernetCard{
				VirtualDevice: types.VirtualDevice{Key: -200, Backing: &types.VirtualEthernetCardNetworkBackingInfo{
					VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: spec.Network},
				}},
			}},
		}, ""))
	}
	return config
}

func addDevice(device types.BaseVirtualDevice, file types.VirtualDeviceConfigSpecFileOperation) *types.VirtualDeviceConfigSpec {
	return &types.VirtualDeviceConfigSpec{
		Operation: types.VirtualDeviceConfigSpecOperationAdd, FileOperation: file, Device: device,
	}
}

// addRdm shows a raw device mapping without any bytes behind it, for what reads inventories.
func addRdm(vm *simulator.VirtualMachine) {
	unit := int32(14)
	vm.Config.Hardware.Device = append(vm.Config.Hardware.Device, &types.VirtualDisk{
		CapacityInKB: 1 << 20, CapacityInBytes: 1 << 30,
		VirtualDevice: types.VirtualDevice{
			Key: 2014, ControllerKey: firstSCSIKey, UnitNumber: &unit,
			DeviceInfo: &types.Description{Label: "Hard disk (raw)", Summary: "1,048,576 KB"},
			Backing: &types.VirtualDiskRawDiskMappingVer1BackingInfo{
				CompatibilityMode: "physicalMode", LunUuid: "02000000006001405", DeviceName: "vml.02000000006001405",
				Uuid: newDiskUUID(),
				VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{
					FileName: vm.Config.Files.VmPathName + "-rdmp.vmdk",
				},
			},
		},
	})
	touchDevices(vm)
}
