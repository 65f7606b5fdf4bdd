package main

import (
	"fmt"
	"reflect"

	"github.com/vmware/govmomi/vim25/types"
)

// faultMessage is what vCenter shows to a person for this fault.
func faultMessage(fault types.BaseMethodFault) string {
	if file, ok := fault.(types.BaseFileFault); ok {
		return fileMessage(fault, file.GetFileFault().File)
	}
	switch f := fault.(type) {
	case *types.InvalidPowerState:
		return fmt.Sprintf("The attempted operation cannot be performed in the current state (%s).", f.ExistingState)
	case *types.NoPermission:
		return "Permission to perform this operation was denied."
	case *types.NotAuthenticated:
		return "The session is not authenticated."
	case *types.RestrictedVersion:
		return "Current license or ESXi version prohibits execution of the requested operation."
	case *types.ManagedObjectNotFound:
		return fmt.Sprintf("The object '%s:%s' has already been deleted or has not been completely created",
			f.Obj.Type, f.Obj.Value)
	case *types.GenericVmConfigFault:
		return f.Reason
	case *types.SystemError:
		return "A general system error occurred: " + f.Reason
	case *types.RequestCanceled:
		return "The task was canceled by a user."
	case *types.ToolsUnavailable:
		return "Cannot complete operation because VMware Tools is not running in this virtual machine."
	case *types.DuplicateName:
		return fmt.Sprintf("The name '%s' already exists.", f.Name)
	case *types.MethodNotFound:
		return fmt.Sprintf("%s does not implement %s", f.Receiver, f.Method)
	}
	return reflect.TypeOf(fault).Elem().Name()
}

func fileMessage(fault types.BaseMethodFault, file string) string {
	switch fault.(type) {
	case *types.FileLocked:
		return fmt.Sprintf("Unable to access file %s since it is locked", file)
	case *types.FileNotFound:
		return fmt.Sprintf("File %s was not found", file)
	case *types.FileAlreadyExists:
		return fmt.Sprintf("Cannot complete the operation because the file or folder %s already exists", file)
	case *types.NoDiskSpace:
		return fmt.Sprintf("Insufficient disk space on datastore for %s", file)
	}
	return fmt.Sprintf("%s: %s", reflect.TypeOf(fault).Elem().Name(), file)
}
