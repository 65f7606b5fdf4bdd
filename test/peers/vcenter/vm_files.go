package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

func destroyVM(c *call) (types.AnyType, types.BaseMethodFault) {
	vm := vmOf(c.this)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: c.this}
	}
	if isOn(vm) {
		return nil, invalidPower(vm, types.VirtualMachinePowerStatePoweredOff)
	}
	var files []string
	for _, disk := range disksOf(vm) {
		for b := flatBacking(disk); b != nil; b = b.Parent {
			files = append(files, b.FileName)
		}
	}
	folder, fault := localFile(vm.Config.Files.VmPathName)
	if fault != nil {
		return nil, fault
	}
	// The disks go first, one by one: a disk in another folder or one that a running VM holds is told apart.
	for _, name := range files {
		if fault := checkUnlockedBut(name, vm.Self); fault != nil {
			return nil, fault
		}
	}
	unregistered := c.peer.invoke(c.session, c.this, "UnregisterVM", &types.UnregisterVM{This: c.this})
	if fault := unregistered.Fault(); fault != nil {
		return nil, methodFault(fault.Detail.Fault)
	}
	for _, name := range files {
		removeDiskFiles(name)
	}
	removeVMFiles(filepath.Dir(folder))
	return nil, nil
}

// checkUnlockedBut refuses a file that another running VM holds.
func checkUnlockedBut(name string, self types.ManagedObjectReference) types.BaseMethodFault {
	for _, use := range usesOf(name) {
		if use.vm.Self != self && isOn(use.vm) {
			return fileLocked(name)
		}
	}
	return nil
}

// removeVMFiles removes what belongs to the VM itself; a disk that was detached before stays, and its folder too.
func removeVMFiles(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".vmx", ".nvram", ".vmsn", ".vmsd", ".log":
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
	// Only an empty folder goes.
	_ = os.Remove(folder)
}

func deleteDatastoreFile(c *call) (types.AnyType, types.BaseMethodFault) {
	r := c.body.(*types.DeleteDatastoreFile_Task)
	file, fault := localFile(r.Name)
	if fault != nil {
		return nil, fault
	}
	if strings.HasSuffix(r.Name, ".vmdk") {
		if fault := checkUnlocked(r.Name); fault != nil {
			return nil, fault
		}
	}
	if _, err := os.Stat(file); err != nil {
		return nil, fileFault(r.Name, err)
	}
	for _, vm := range allVMs() {
		for _, disk := range disksOf(vm) {
			b := flatBacking(disk)
			if b == nil || !isOn(vm) {
				continue
			}
			if held, fault := localFile(b.FileName); fault == nil && strings.HasPrefix(held, file+"/") {
				return nil, fileLocked(b.FileName)
			}
		}
	}
	return nil, asFileFault(r.Name, os.RemoveAll(file))
}
