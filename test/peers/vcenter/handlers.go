package main

import (
	"strconv"

	"github.com/vmware/govmomi/vim25/types"
)

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// handlers answer methods at once; a key is a method, or a type and a method where two types share a name.
var handlers map[string]handler

// taskHandlers do the work of tasks that the simulator lacks or does differently.
var taskHandlers map[string]func(*call) (types.AnyType, types.BaseMethodFault)

func init() {
	handlers = map[string]handler{
		"Login":                         login,
		"Logout":                        logout,
		"SessionIsActive":               sessionIsActive,
		"CancelTask":                    cancelTask,
		"QueryAssignedLicenses":         assignedLicenses,
		"RefreshDatastore":              refreshDatastore,
		"QueryVirtualDiskUuid":          queryVirtualDiskUuid,
		"SetVirtualDiskUuid":            setVirtualDiskUuid,
		"QueryChangedDiskAreas":         queryChangedDiskAreas,
		"ShutdownGuest":                 shutdownGuest,
		"HasPrivilegeOnEntities":        hasPrivilegeOnEntities,
		"HasPrivilegeOnEntity":          hasPrivilegeOnEntity,
		"HasUserPrivilegeOnEntities":    hasUserPrivilegeOnEntities,
		"FetchUserPrivilegeOnEntities":  fetchUserPrivilegeOnEntities,
		"WaitForUpdatesEx":              waitForUpdates,
		"RetrievePropertiesEx":          retrieveProperties,
		"ContinueRetrievePropertiesEx":  continueRetrieve,
		"CancelRetrievePropertiesEx":    cancelRetrieve,
		"StartProgramInGuest":           startProgram,
		"ListProcessesInGuest":          listProcesses,
		"InitiateFileTransferToGuest":   transferToGuest,
		"InitiateFileTransferFromGuest": transferFromGuest,
		"MakeDirectoryInGuest":          makeGuestDirectory,
		"DeleteFileInGuest":             deleteGuestFile,
		"ValidateCredentialsInGuest":    validateGuestCredentials,
	}
	taskHandlers = map[string]func(*call) (types.AnyType, types.BaseMethodFault){
		"CreateVM_Task":               createVM,
		"RegisterVM_Task":             registerVM,
		"ReconfigVM_Task":             reconfigVM,
		"VirtualMachine.Destroy_Task": destroyVM,
		"PowerOnVM_Task":              powerOn,
		"PowerOffVM_Task":             powerOff,
		"CreateSnapshot_Task":         createSnapshot,
		"RemoveSnapshot_Task":         removeSnapshot,
		"RemoveAllSnapshots_Task":     removeAllSnapshots,
		"RevertToSnapshot_Task":       revertToSnapshot,
		"ConsolidateVMDisks_Task":     consolidateDisks,
		"CloneVM_Task":                cloneVM,
		"RelocateVM_Task":             relocateVM,
		"ResetVM_Task":                resetVM,
		"EnterMaintenanceMode_Task":   setMaintenance(true),
		"ExitMaintenanceMode_Task":    setMaintenance(false),
		"SuspendVM_Task":              suspendVM,
		"CreateVirtualDisk_Task":      createVirtualDisk,
		"DeleteVirtualDisk_Task":      deleteVirtualDisk,
		"ExtendVirtualDisk_Task":      extendVirtualDisk,
		"CopyVirtualDisk_Task":        copyVirtualDisk,
		"MoveVirtualDisk_Task":        moveVirtualDisk,
		"DeleteDatastoreFile_Task":    deleteDatastoreFile,
	}
}
