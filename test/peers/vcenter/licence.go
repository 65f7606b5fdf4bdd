package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// licenceSpec is what LicenseManager and the assignments of the hosts show.
type licenceSpec struct {
	EditionKey string `json:"editionKey"`
	Name       string `json:"name,omitempty"`
}

// Editions whose API only reads. The first is the key of the free ESXi.
var readOnlyEditions = []string{"esxBasic", "esx.hypervisor.free", "esx.free"}

func (p *peer) setLicence(spec licenceSpec) {
	if spec.Name == "" {
		spec.Name = spec.EditionKey
	}
	info := simulator.EvalLicense
	info.EditionKey, info.Name = spec.EditionKey, spec.Name
	if spec.EditionKey != "eval" {
		info.LicenseKey = "00000-11111-22222-33333-44444"
	}
	simulator.EvalLicense = info
	if manager, ok := simulator.Map.Get(*content().LicenseManager).(*simulator.LicenseManager); ok {
		manager.Licenses = []types.LicenseManagerLicenseInfo{info}
		manager.LicensedEdition = spec.EditionKey
	}
}

// checkLicence refuses every call that changes something where the licence only lets read.
func (p *peer) checkLicence(c *call) types.BaseMethodFault {
	if contains(readOnlyEditions, simulator.EvalLicense.EditionKey) && isWrite(c) {
		return &types.RestrictedVersion{}
	}
	return nil
}

// assignedLicenses lists every host and the server itself where no entity is asked for, as vCenter does; the simulator
// then gives one without a name.
func assignedLicenses(c *call) answer {
	asked := c.body.(*types.QueryAssignedLicenses).EntityId
	ids := []string{content().About.InstanceUuid}
	for _, host := range simulator.Map.All("HostSystem") {
		ids = append(ids, host.Reference().Value)
	}
	response := &types.QueryAssignedLicensesResponse{}
	for _, id := range ids {
		if asked == "" || asked == id {
			response.Returnval = append(response.Returnval, types.LicenseAssignmentManagerLicenseAssignment{
				EntityId: id, AssignedLicense: simulator.EvalLicense,
			})
		}
	}
	return answer{response: response}
}
