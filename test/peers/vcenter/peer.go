package main

import (
	"fmt"
	"log"
	"os"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// peer is the whole stand-in. Its lock is held for every call and for every step of a task, because the objects
// of the simulator are read by reflection while others change them; waiting is done without it.
type peer struct {
	options   options
	mu        sync.Mutex
	service   *simulator.Service
	server    *apiServer
	scratch   string
	changes   *changeLog
	sessions  *sessionTable
	rules     *ruleBook
	guests    *guestTable
	power     *powerTable
	tracks    *trackTable
	paging    map[string][]types.ObjectContent
	pageSizes map[string]int
	// unreadable are the configurations of VMs that cannot be read at the moment.
	unreadable map[types.ManagedObjectReference]*types.VirtualMachineConfigInfo
	// hidden are paths of properties that nobody is shown.
	hidden map[string]bool
	waits  map[string]*filterState
	tasks  map[types.ManagedObjectReference]*taskControl
	sizes  map[string]sizeOverride
	// diskChanges are all that reconfigurations did, in their order.
	diskChanges []diskChange
}

func newPeer(o options) (*peer, error) {
	if o.mode != "vcenter" && o.mode != "esxi" {
		return nil, fmt.Errorf("unknown mode %q: it is vcenter or esxi", o.mode)
	}
	scratch, err := os.MkdirTemp("", "vcenter-peer-")
	if err != nil {
		return nil, err
	}
	p := &peer{
		options: o, scratch: scratch,
		sessions: newSessionTable(o), rules: newRuleBook(), guests: newGuestTable(),
		power: newPowerTable(), tracks: newTrackTable(),
		paging: map[string][]types.ObjectContent{}, pageSizes: map[string]int{}, waits: map[string]*filterState{},
		tasks: map[types.ManagedObjectReference]*taskControl{}, sizes: map[string]sizeOverride{},
		unreadable: map[types.ManagedObjectReference]*types.VirtualMachineConfigInfo{},
	}
	if err := p.createInventory(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// createInventory builds datacenter, hosts and datastores; VMs come over the API or the control port.
func (p *peer) createInventory() error {
	o := p.options
	model := simulator.VPX()
	model.Datacenter, model.Cluster, model.ClusterHost, model.Host = 1, o.clusters, o.hosts, o.standalone
	if o.mode == "esxi" {
		model = simulator.ESX()
	}
	model.Datastore, model.Machine, model.Autostart = 0, 0, false
	p.setVersion(&model.ServiceContent.About)
	if err := model.Create(); err != nil {
		return err
	}
	p.service = model.Service
	p.changes = newChangeLog()
	simulator.Map.AddHandler(p.changes)
	p.describeHosts()
	prepareGuestManagers()
	if o.licence != "" {
		p.setLicence(licenceSpec{EditionKey: o.licence})
	}
	if len(o.datastores) == 0 {
		o.datastores = repeated{"datastore1=" + p.scratch + "/datastore1"}
	}
	for _, text := range o.datastores {
		spec, err := parseDatastoreFlag(text)
		if err != nil {
			return err
		}
		if err := p.addDatastore(spec); err != nil {
			return err
		}
	}
	return nil
}

func (p *peer) setVersion(about *types.AboutInfo) {
	parts := strings.SplitN(p.options.version, ".", 4)
	for len(parts) < 3 {
		parts = append(parts, "0")
	}
	about.Version, about.Build = p.options.version, p.options.build
	about.ApiVersion = strings.Join(parts[:3], ".")
	if parts[2] == "0" {
		about.ApiVersion = parts[0] + "." + parts[1]
	}
	about.FullName = fmt.Sprintf("%s %s build-%s", about.Name, about.Version, about.Build)
}

// describeHosts gives every host the version of the command line; the templates of the simulator say 6.5.
func (p *peer) describeHosts() {
	for _, host := range allHosts() {
		about := esx.ServiceContent.About
		if host.Config != nil {
			about = host.Config.Product
		}
		p.setVersion(&about)
		if host.Config != nil {
			config := *host.Config
			config.Product = about
			host.Config = &config
		}
		host.Summary.Config.Product = &about
	}
}

func content() types.ServiceContent {
	return simulator.Map.Get(vim25.ServiceInstance).(*simulator.ServiceInstance).Content
}

func (p *peer) isESX() bool { return p.options.mode == "esxi" }

// close ends guests and listeners and removes what this process put into the temporary folder.
func (p *peer) close() {
	if p.server != nil {
		p.server.stop()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.power.killAll()
	if err := os.RemoveAll(p.scratch); err != nil {
		log.Print(err)
	}
}
