package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// grant is a role on one object, passed down to all below it.
type grant struct {
	Object     string   `json:"object"`
	Privileges []string `json:"privileges"`
}

// reaching gives the roles that count on the object: of each way up, the nearest one replaces those above it.
func (a *account) reaching(ref types.ManagedObjectReference) []grant {
	ways := []types.ManagedObjectReference{ref}
	// What a role on the pool allows counts for the VMs in it, too.
	if vm := vmOf(ref); vm != nil && vm.ResourcePool != nil {
		ways = append(ways, *vm.ResourcePool)
	}
	var found []grant
	for _, start := range ways {
		for at := &start; at != nil; at = parentOf(*at) {
			if held := a.grantOn(at.Value); held != nil {
				found = append(found, *held)
				break
			}
		}
	}
	return found
}

func (a *account) grantOn(moid string) *grant {
	for i := range a.Grants {
		if a.Grants[i].Object == moid {
			return &a.Grants[i]
		}
	}
	return nil
}

func parentOf(ref types.ManagedObjectReference) *types.ManagedObjectReference {
	entity, ok := simulator.Map.Get(ref).(mo.Entity)
	if !ok {
		return nil
	}
	return entity.Entity().Parent
}

// sees tells whether the account has any role there; an account without grants sees everything.
func (a *account) sees(ref types.ManagedObjectReference) bool {
	return a.Grants == nil || len(a.reaching(ref)) > 0
}

// unseen refuses a question about an object on which the asking account has no role.
func unseen(c *call, refs []types.ManagedObjectReference) types.BaseMethodFault {
	for _, ref := range refs {
		if !c.session.account.sees(ref) {
			return &types.NoPermission{Object: ref, PrivilegeId: "System.View"}
		}
	}
	return nil
}

// browsedDatastore is the datastore whose files a browser shows.
func browsedDatastore(browser types.ManagedObjectReference) types.ManagedObjectReference {
	for _, entity := range simulator.Map.All("Datastore") {
		if ds := entity.(*simulator.Datastore); ds.Browser == browser {
			return ds.Self
		}
	}
	return browser
}

// licencesHidden refuses to show licences to an account with roles that has none for them at the root.
func licencesHidden(c *call, r *types.RetrievePropertiesEx) types.BaseMethodFault {
	const privilege = "Global.Licenses"
	for _, spec := range r.SpecSet {
		for _, selected := range spec.ObjectSet {
			root := content().RootFolder
			if selected.Obj.Type != "LicenseManager" || c.session.account.Grants == nil {
				continue
			}
			if !c.session.account.holds(privilege, root) {
				return &types.NoPermission{Object: root, PrivilegeId: privilege}
			}
		}
	}
	return nil
}
