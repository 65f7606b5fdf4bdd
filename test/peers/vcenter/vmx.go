package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The .vmx file is the VM: it is written at every change, and registering reads it back.

var controllerNames = map[string]string{
	"pvscsi": "pvscsi", "lsilogic": "lsilogic", "lsisas1068": "lsilogic-sas", "buslogic": "buslogic",
}

func (p *peer) writeVmx(vm *simulator.VirtualMachine) error {
	file, fault := localFile(vm.Config.Files.VmPathName)
	if fault != nil {
		return nil
	}
	lines := map[string]string{
		".encoding": "UTF-8", "config.version": "8", "displayName": vm.Name,
		"guestOS": vm.Config.GuestId, "memSize": itoa(vm.Config.Hardware.MemoryMB),
		"numvcpus": itoa(vm.Config.Hardware.NumCPU), "firmware": vm.Config.Firmware,
		"uuid.bios": vm.Config.Uuid, "vc.uuid": vm.Config.InstanceUuid,
	}
	for _, option := range vm.Config.ExtraConfig {
		if text, ok := option.GetOptionValue().Value.(string); ok {
			lines[option.GetOptionValue().Key] = text
		}
	}
	for _, device := range vm.Config.Hardware.Device {
		addDeviceLines(lines, vm, device)
	}
	keys := make([]string, 0, len(lines))
	for key := range lines {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var text strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&text, "%s = %q\n", key, lines[key])
	}
	return os.WriteFile(file, []byte(text.String()), 0o600)
}

func addDeviceLines(lines map[string]string, vm *simulator.VirtualMachine, device types.BaseVirtualDevice) {
	if controller, ok := device.(types.BaseVirtualSCSIController); ok {
		key := fmt.Sprintf("scsi%d", controller.GetVirtualSCSIController().BusNumber)
		lines[key+".present"], lines[key+".virtualDev"] = "TRUE", scsiKind(device)
		return
	}
	disk, ok := device.(*types.VirtualDisk)
	if !ok || flatBacking(disk) == nil {
		return
	}
	key := diskSlot(vm, disk)
	if key == "" {
		return
	}
	lines[key+".present"] = "TRUE"
	lines[key+".fileName"] = flatBacking(disk).FileName
	lines[key+".mode"] = flatBacking(disk).DiskMode
}

func scsiKind(device types.BaseVirtualDevice) string {
	switch device.(type) {
	case *types.ParaVirtualSCSIController:
		return controllerNames["pvscsi"]
	case *types.VirtualLsiLogicSASController:
		return controllerNames["lsisas1068"]
	case *types.VirtualBusLogicController:
		return controllerNames["buslogic"]
	}
	return controllerNames["lsilogic"]
}

func diskSlot(vm *simulator.VirtualMachine, disk *types.VirtualDisk) string {
	for _, device := range vm.Config.Hardware.Device {
		if device.GetVirtualDevice().Key != disk.ControllerKey {
			continue
		}
		switch c := device.(type) {
		case types.BaseVirtualSCSIController:
			return fmt.Sprintf("scsi%d:%d", c.GetVirtualSCSIController().BusNumber, unitOf(disk))
		case *types.VirtualIDEController:
			return fmt.Sprintf("ide%d:%d", c.BusNumber, unitOf(disk))
		}
	}
	return ""
}

// readVmx gives the keys of the file; one without any, such as a stranger's empty file, gives none.
func readVmx(file string) (map[string]string, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	lines := map[string]string{}
	scanner := bufio.NewScanner(opened)
	for scanner.Scan() {
		key, value, ok := strings.Cut(scanner.Text(), " = ")
		if !ok {
			continue
		}
		if text, err := strconv.Unquote(value); err == nil {
			lines[key] = text
		}
	}
	return lines, scanner.Err()
}

// registerVM registers the file and gives the VM what the file says.
func registerVM(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.RegisterVM_Task)
	file, fault := localFile(r.Path)
	if fault != nil {
		return nil, fault
	}
	if filepath.Ext(file) != ".vmx" {
		return nil, &types.InvalidArgument{InvalidProperty: "path"}
	}
	lines, err := readVmx(file)
	if err != nil {
		return nil, fileFault(r.Path, err)
	}
	if r.Name == "" {
		r.Name = lines["displayName"]
	}
	if r.Host == nil && r.Pool != nil {
		if r.Host, fault = placeVM(*r.Pool, r.Path); fault != nil {
			return nil, fault
		}
	}
	result, fault := c.peer.innerTask(c)
	if fault != nil {
		return nil, fault
	}
	vm := vmOf(result.(types.ManagedObjectReference))
	spec := specOfVmx(lines)
	body := c.peer.invoke(c.session, vm.Self, "ReconfigVM_Task", &types.ReconfigVM_Task{This: vm.Self, Spec: spec})
	if fault := body.Fault(); fault != nil {
		return nil, methodFault(fault.Detail.Fault)
	}
	c.peer.afterConfigure(vm, nil)
	return result, nil
}

func specOfVmx(lines map[string]string) types.VirtualMachineConfigSpec {
	spec := types.VirtualMachineConfigSpec{
		GuestId: lines["guestOS"], Firmware: lines["firmware"],
		Uuid: lines["uuid.bios"], InstanceUuid: lines["vc.uuid"],
	}
	memory, _ := strconv.Atoi(lines["memSize"])
	processors, _ := strconv.Atoi(lines["numvcpus"])
	spec.MemoryMB, spec.NumCPUs = int64(memory), int32(processors)
	keys := make([]string, 0, len(lines))
	for key := range lines {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if device := deviceOfVmx(lines, key); device != nil {
			spec.DeviceChange = append(spec.DeviceChange, &types.VirtualDeviceConfigSpec{
				Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: device,
			})
		}
		if strings.HasPrefix(key, "disk.") || strings.HasPrefix(key, "guestinfo.") || strings.HasPrefix(key, "azureFailback.") {
			spec.ExtraConfig = append(spec.ExtraConfig, &types.OptionValue{Key: key, Value: lines[key]})
		}
	}
	return spec
}

const (
	firstSCSIKey = 1000
	firstIDEKey  = 200
	firstDiskKey = 2000
)

// deviceOfVmx makes a controller of "scsi0.virtualDev" and a disk of "scsi0:1.fileName".
func deviceOfVmx(lines map[string]string, key string) types.BaseVirtualDevice {
	var bus, unit int32
	if n, _ := fmt.Sscanf(key, "scsi%d.virtualDev", &bus); n == 1 && strings.HasSuffix(key, ".virtualDev") {
		return scsiController(lines[key], bus)
	}
	if !strings.HasSuffix(key, ".fileName") {
		return nil
	}
	controller := int32(firstSCSIKey)
	if n, _ := fmt.Sscanf(key, "scsi%d:%d.fileName", &bus, &unit); n != 2 {
		if n, _ := fmt.Sscanf(key, "ide%d:%d.fileName", &bus, &unit); n != 2 {
			return nil
		}
		controller = firstIDEKey
	}
	place := unit
	_, d, fault := openDisk(lines[key])
	if fault != nil {
		return nil
	}
	return &types.VirtualDisk{
		CapacityInKB: d.CapacityBytes / 1024, CapacityInBytes: d.CapacityBytes,
		VirtualDevice: types.VirtualDevice{
			Key: firstDiskKey + bus*16 + unit, ControllerKey: controller + bus, UnitNumber: &place,
			Backing: &types.VirtualDiskFlatVer2BackingInfo{
				DiskMode:                     lines[strings.TrimSuffix(key, ".fileName")+".mode"],
				VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: lines[key]},
			},
		},
	}
}

func scsiController(kind string, bus int32) types.BaseVirtualDevice {
	base := types.VirtualSCSIController{
		VirtualController: types.VirtualController{
			BusNumber: bus, VirtualDevice: types.VirtualDevice{Key: firstSCSIKey + bus, ControllerKey: 100},
		},
		SharedBus: types.VirtualSCSISharingNoSharing,
	}
	switch kind {
	case controllerNames["pvscsi"]:
		return &types.ParaVirtualSCSIController{VirtualSCSIController: base}
	case controllerNames["lsisas1068"]:
		return &types.VirtualLsiLogicSASController{VirtualSCSIController: base}
	case controllerNames["buslogic"]:
		return &types.VirtualBusLogicController{VirtualSCSIController: base}
	}
	return &types.VirtualLsiLogicController{VirtualSCSIController: base}
}
