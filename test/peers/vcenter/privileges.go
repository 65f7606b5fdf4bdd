package main

import (
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// access is one privilege on one object that a call needs.
type access struct {
	privilege string
	object    types.ManagedObjectReference
}

// privilegeTable says what a method needs on the object it is called on. Every method in it changes something.
var privilegeTable = map[string]string{
	"PowerOnVM_Task":                 "VirtualMachine.Interact.PowerOn",
	"PowerOffVM_Task":                "VirtualMachine.Interact.PowerOff",
	"ShutdownGuest":                  "VirtualMachine.Interact.PowerOff",
	"AnswerVM":                       "VirtualMachine.Interact.AnswerQuestion",
	"ResetVM_Task":                   "VirtualMachine.Interact.Reset",
	"SuspendVM_Task":                 "VirtualMachine.Interact.Suspend",
	"CreateSnapshot_Task":            "VirtualMachine.State.CreateSnapshot",
	"RemoveSnapshot_Task":            "VirtualMachine.State.RemoveSnapshot",
	"RemoveAllSnapshots_Task":        "VirtualMachine.State.RemoveSnapshot",
	"ConsolidateVMDisks_Task":        "VirtualMachine.State.RemoveSnapshot",
	"RevertToSnapshot_Task":          "VirtualMachine.State.RevertToSnapshot",
	"UnregisterVM":                   "VirtualMachine.Inventory.Unregister",
	"VirtualMachine.Destroy_Task":    "VirtualMachine.Inventory.Delete",
	"VirtualMachine.Rename_Task":     "VirtualMachine.Config.Rename",
	"CreateVM_Task":                  "VirtualMachine.Inventory.Create",
	"RegisterVM_Task":                "VirtualMachine.Inventory.Register",
	"CloneVM_Task":                   "VirtualMachine.Provisioning.Clone",
	"RelocateVM_Task":                "VirtualMachine.Inventory.Move",
	"ReconfigVM_Task":                "",
	"QueryChangedDiskAreas":          "VirtualMachine.Provisioning.DiskRandomRead",
	"CreateVirtualDisk_Task":         "Datastore.FileManagement",
	"DeleteVirtualDisk_Task":         "Datastore.FileManagement",
	"ExtendVirtualDisk_Task":         "Datastore.FileManagement",
	"CopyVirtualDisk_Task":           "Datastore.FileManagement",
	"MoveVirtualDisk_Task":           "Datastore.FileManagement",
	"SetVirtualDiskUuid":             "Datastore.FileManagement",
	"DeleteDatastoreFile_Task":       "Datastore.FileManagement",
	"MoveDatastoreFile_Task":         "Datastore.FileManagement",
	"CopyDatastoreFile_Task":         "Datastore.FileManagement",
	"MakeDirectory":                  "Datastore.FileManagement",
	"SearchDatastore_Task":           "Datastore.Browse",
	"SearchDatastoreSubFolders_Task": "Datastore.Browse",
	"StartProgramInGuest":            "VirtualMachine.GuestOperations.Execute",
	"ListProcessesInGuest":           "VirtualMachine.GuestOperations.Query",
	"InitiateFileTransferToGuest":    "VirtualMachine.GuestOperations.Modify",
	"InitiateFileTransferFromGuest":  "VirtualMachine.GuestOperations.Query",
	"CreateFolder":                   "Folder.Create",
	"CreateNasDatastore":             "Host.Config.Storage",
	"CreateLocalDatastore":           "Host.Config.Storage",
	"AddPortGroup":                   "Host.Config.Network",
	"CancelTask":                     "Global.CancelTask",
}

var readingMethods = []string{
	"QueryChangedDiskAreas", "SearchDatastore_Task", "SearchDatastoreSubFolders_Task", "ListProcessesInGuest",
	"InitiateFileTransferFromGuest",
}

func tableEntry(c *call) (string, bool) {
	if privilege, ok := privilegeTable[c.this.Type+"."+c.method]; ok {
		return privilege, true
	}
	privilege, ok := privilegeTable[c.method]
	return privilege, ok
}

func isWrite(c *call) bool {
	_, isListed := tableEntry(c)
	return isListed && !contains(readingMethods, c.method)
}

// checkPrivileges gives NoPermission with the first privilege that the user lacks.
func (p *peer) checkPrivileges(c *call) types.BaseMethodFault {
	if c.session == nil {
		return nil
	}
	for _, need := range neededAccess(c) {
		if !c.session.account.holds(need.privilege, need.object) {
			return &types.NoPermission{Object: need.object, PrivilegeId: need.privilege}
		}
	}
	return nil
}

func neededAccess(c *call) []access {
	privilege, ok := tableEntry(c)
	if !ok {
		return nil
	}
	var needs []access
	if privilege != "" {
		needs = append(needs, access{privilege, accessObject(c)})
	}
	switch r := c.body.(type) {
	case *types.ReconfigVM_Task:
		needs = append(needs, specAccess(c.this, &r.Spec, true)...)
	case *types.CreateVM_Task:
		needs = append(needs, access{"Resource.AssignVMToPool", r.Pool})
		needs = append(needs, specAccess(c.this, &r.Config, false)...)
	case *types.RegisterVM_Task:
		if r.Pool != nil {
			needs = append(needs, access{"Resource.AssignVMToPool", *r.Pool})
		}
	}
	return needs
}

// accessObject is where the privilege is looked for: file operations ask the datastore of the file, guest
// operations the VM, snapshots the VM they belong to.
func accessObject(c *call) types.ManagedObjectReference {
	switch r := c.body.(type) {
	case *types.CreateVirtualDisk_Task:
		return datastoreRef(r.Name, c.this)
	case *types.DeleteVirtualDisk_Task:
		return datastoreRef(r.Name, c.this)
	case *types.ExtendVirtualDisk_Task:
		return datastoreRef(r.Name, c.this)
	case *types.CopyVirtualDisk_Task:
		return datastoreRef(r.DestName, c.this)
	case *types.MoveVirtualDisk_Task:
		return datastoreRef(r.DestName, c.this)
	case *types.DeleteDatastoreFile_Task:
		return datastoreRef(r.Name, c.this)
	case *types.MakeDirectory:
		return datastoreRef(r.Name, c.this)
	case *types.StartProgramInGuest:
		return r.Vm
	case *types.ListProcessesInGuest:
		return r.Vm
	case *types.InitiateFileTransferToGuest:
		return r.Vm
	case *types.InitiateFileTransferFromGuest:
		return r.Vm
	}
	switch known := simulator.Map.Get(c.this).(type) {
	case *simulator.VirtualMachineSnapshot:
		return known.Vm
	case *simulator.HostDatastoreBrowser:
		return browsedDatastore(c.this)
	case *simulator.Task:
		if known.Info.Entity != nil {
			return *known.Info.Entity
		}
	}
	return c.this
}

func datastoreRef(name string, otherwise types.ManagedObjectReference) types.ManagedObjectReference {
	var path object.DatastorePath
	if path.FromString(name) {
		if ds := datastoreNamed(path.Datastore); ds != nil {
			return ds.Self
		}
	}
	return otherwise
}

// specAccess says what the parts of a configuration need.
func specAccess(this types.ManagedObjectReference, spec *types.VirtualMachineConfigSpec, isChange bool) []access {
	var needs []access
	for _, change := range spec.DeviceChange {
		needs = append(needs, deviceAccess(this, change.GetVirtualDeviceConfigSpec())...)
	}
	if !isChange {
		return needs
	}
	parts := []struct {
		isUsed    bool
		privilege string
	}{
		{spec.NumCPUs != 0, "VirtualMachine.Config.CPUCount"},
		{spec.MemoryMB != 0, "VirtualMachine.Config.Memory"},
		{len(spec.ExtraConfig) > 0, "VirtualMachine.Config.AdvancedConfig"},
		{spec.ChangeTrackingEnabled != nil, "VirtualMachine.Config.ChangeTracking"},
		{spec.Name != "", "VirtualMachine.Config.Rename"},
		{spec.Annotation != "", "VirtualMachine.Config.Annotation"},
		{spec.Firmware != "" || spec.GuestId != "" || spec.BootOptions != nil, "VirtualMachine.Config.Settings"},
	}
	for _, part := range parts {
		if part.isUsed {
			needs = append(needs, access{part.privilege, this})
		}
	}
	return needs
}

func deviceAccess(this types.ManagedObjectReference, change *types.VirtualDeviceConfigSpec) []access {
	disk, isDisk := change.Device.(*types.VirtualDisk)
	if !isDisk {
		needs := []access{{"VirtualMachine.Config.AddRemoveDevice", this}}
		if nic, ok := change.Device.(types.BaseVirtualEthernetCard); ok && change.Operation != types.VirtualDeviceConfigSpecOperationRemove {
			needs = append(needs, networkAccess(nic)...)
		}
		if change.Operation == types.VirtualDeviceConfigSpecOperationEdit {
			needs[0].privilege = "VirtualMachine.Config.EditDevice"
		}
		return needs
	}
	switch change.Operation {
	case types.VirtualDeviceConfigSpecOperationRemove:
		return []access{{"VirtualMachine.Config.RemoveDisk", this}}
	case types.VirtualDeviceConfigSpecOperationEdit:
		return []access{{"VirtualMachine.Config.DiskExtend", this}}
	}
	if _, isRdm := disk.Backing.(*types.VirtualDiskRawDiskMappingVer1BackingInfo); isRdm {
		return []access{{"VirtualMachine.Config.RawDevice", this}}
	}
	if change.FileOperation == "" {
		return []access{{"VirtualMachine.Config.AddExistingDisk", this}}
	}
	needs := []access{{"VirtualMachine.Config.AddNewDisk", this}}
	if b := flatBacking(disk); b != nil {
		needs = append(needs, access{"Datastore.AllocateSpace", datastoreRef(b.FileName, this)})
	}
	return needs
}

func networkAccess(nic types.BaseVirtualEthernetCard) []access {
	b, ok := nic.GetVirtualEthernetCard().Backing.(*types.VirtualEthernetCardNetworkBackingInfo)
	if !ok {
		return nil
	}
	dc := simulator.Map.Any("Datacenter").(*simulator.Datacenter)
	if network := simulator.Map.FindByName(b.DeviceName, dc.Network); network != nil {
		return []access{{"Network.Assign", network.Reference()}}
	}
	return nil
}

// holds tells whether the account has the privilege on the object.
func (a *account) holds(privilege string, ref types.ManagedObjectReference) bool {
	for _, denied := range a.Denied {
		if denied.Privilege == privilege && (denied.Object == "" || denied.Object == ref.Value) {
			return false
		}
	}
	if a.Grants != nil {
		for _, held := range a.reaching(ref) {
			if contains(held.Privileges, privilege) {
				return true
			}
		}
		return false
	}
	if a.Privileges == nil {
		return contains(knownPrivileges(), privilege)
	}
	return contains(a.Privileges, privilege)
}

// knownPrivileges are those of the role Admin, which holds all there are.
func knownPrivileges() []string {
	manager, ok := simulator.Map.Get(*content().AuthorizationManager).(*simulator.AuthorizationManager)
	if !ok {
		return nil
	}
	admin := object.AuthorizationRoleList(manager.RoleList).ByName("Admin")
	if admin == nil {
		return nil
	}
	return admin.Privilege
}

func (a *account) availability(ref types.ManagedObjectReference, ids []string) types.EntityPrivilege {
	result := types.EntityPrivilege{Entity: ref}
	for _, id := range ids {
		result.PrivAvailability = append(result.PrivAvailability,
			types.PrivilegeAvailability{PrivId: id, IsGranted: a.holds(id, ref)})
	}
	return result
}

func hasPrivilegeOnEntities(c *call) answer {
	r := c.body.(*types.HasPrivilegeOnEntities)
	s := c.peer.sessions.sessions[r.SessionId]
	if s == nil {
		return refused(&types.InvalidArgument{InvalidProperty: "sessionId"})
	}
	response := &types.HasPrivilegeOnEntitiesResponse{}
	for _, ref := range r.Entity {
		response.Returnval = append(response.Returnval, s.account.availability(ref, r.PrivId))
	}
	return answer{response: response}
}

func hasPrivilegeOnEntity(c *call) answer {
	r := c.body.(*types.HasPrivilegeOnEntity)
	s := c.peer.sessions.sessions[r.SessionId]
	if s == nil {
		return refused(&types.InvalidArgument{InvalidProperty: "sessionId"})
	}
	response := &types.HasPrivilegeOnEntityResponse{}
	for _, id := range r.PrivId {
		response.Returnval = append(response.Returnval, s.account.holds(id, r.Entity))
	}
	return answer{response: response}
}

func hasUserPrivilegeOnEntities(c *call) answer {
	r := c.body.(*types.HasUserPrivilegeOnEntities)
	user := c.peer.sessions.accounts[r.UserName]
	if user == nil {
		return refused(&types.UserNotFound{Principal: r.UserName})
	}
	if fault := unseen(c, r.Entities); fault != nil {
		return refused(fault)
	}
	response := &types.HasUserPrivilegeOnEntitiesResponse{}
	for _, ref := range r.Entities {
		response.Returnval = append(response.Returnval, user.availability(ref, r.PrivId))
	}
	return answer{response: response}
}

func fetchUserPrivilegeOnEntities(c *call) answer {
	r := c.body.(*types.FetchUserPrivilegeOnEntities)
	user := c.peer.sessions.accounts[r.UserName]
	if user == nil {
		return refused(&types.UserNotFound{Principal: r.UserName})
	}
	response := &types.FetchUserPrivilegeOnEntitiesResponse{}
	for _, ref := range r.Entities {
		result := types.UserPrivilegeResult{Entity: ref}
		for _, id := range knownPrivileges() {
			if user.holds(id, ref) {
				result.Privileges = append(result.Privileges, id)
			}
		}
		response.Returnval = append(response.Returnval, result)
	}
	return answer{response: response}
}
