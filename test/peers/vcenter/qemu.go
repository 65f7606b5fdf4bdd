package main

import (
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// startQemu boots the files with the bytes of the VM's disks, in the places they have in the VM: every SCSI
// controller is a PVSCSI one, and a disk's WWN is the head of its uuid, as a guest of ESXi sees it.
func (p *peer) startQemu(vm *simulator.VirtualMachine, r *running) error {
	_ = os.Remove(r.console)
	parameters := []string{
		// Without graphics the BIOS writes to the serial port too, so that a disk that does not boot says so.
		"-accel", "tcg", "-M", "pc,graphics=off", "-m", fmt.Sprint(guestMemory(vm)), "-display", "none", "-monitor", "none",
		"-nic", "none", "-no-reboot", "-serial", "file:" + r.console,
	}
	command := exec.Command("qemu-system-x86_64", append(parameters, diskParameters(vm)...)...)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return err
	}
	r.process = command
	return nil
}

// guestMemory keeps tests small: a guest that was given much starts with less.
func guestMemory(vm *simulator.VirtualMachine) int32 {
	memory := vm.Config.Hardware.MemoryMB
	if memory < 128 || memory > 1024 {
		return 256
	}
	return memory
}

func diskParameters(vm *simulator.VirtualMachine) []string {
	var parameters []string
	buses := map[int32]bool{}
	for i, disk := range inBootOrder(vm) {
		b := flatBacking(disk)
		if b == nil {
			continue
		}
		file, d, fault := openDisk(b.FileName)
		if fault != nil {
			continue
		}
		drive := fmt.Sprintf("if=none,id=disk%d,format=raw,file=%s", i, strings.ReplaceAll(d.dataFile(file), ",", ",,"))
		parameters = append(parameters, "-drive", drive)
		if isOnIDE(vm, disk) {
			bus := disk.ControllerKey - firstIDEKey
			device := fmt.Sprintf("ide-hd,drive=disk%d,bus=ide.%d,unit=%d,bootindex=%d", i, bus, unitOf(disk), i+1)
			parameters = append(parameters, "-device", device)
			continue
		}
		bus := fmt.Sprintf("scsi%d", disk.ControllerKey)
		if !buses[disk.ControllerKey] {
			buses[disk.ControllerKey] = true
			parameters = append(parameters, "-device", "pvscsi,id="+bus)
		}
		parameters = append(parameters, "-device", fmt.Sprintf("scsi-hd,drive=disk%d,bus=%s.0,scsi-id=%d,wwn=0x%s,bootindex=%d",
			i, bus, unitOf(disk), strings.ReplaceAll(d.UUID, "-", "")[:16], i+1))
	}
	return parameters
}

func inBootOrder(vm *simulator.VirtualMachine) []*types.VirtualDisk {
	disks := disksOf(vm)
	sort.SliceStable(disks, func(i, j int) bool {
		a, b := disks[i], disks[j]
		if a.ControllerKey != b.ControllerKey {
			return a.ControllerKey < b.ControllerKey
		}
		return unitOf(a) < unitOf(b)
	})
	return disks
}
