package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The control port is how a test sets the scene. It is plain HTTP on loopback: POST /<name> with a JSON object.

type controlCall func(p *peer, body []byte) (interface{}, error)

var controlCalls map[string]controlCall

func init() {
	controlCalls = map[string]controlCall{
		"/account":    setAccount,
		"/sessions":   expireSessions,
		"/licence":    controlLicence,
		"/strict":     setStrict,
		"/failure":    addFailure,
		"/failures":   clearFailures,
		"/delays":     setDelays,
		"/outage":     startOutage,
		"/hidden":     setHidden,
		"/uuid":       setUuid,
		"/inventory":  addInventory,
		"/connection": setConnection,
		"/datastore":  controlDatastore,
		"/size":       setSize,
		"/guest":      setGuest,
		"/guests":     readGuest,
		"/booted":     readBooted,
		"/calls":      readCalls,
		"/disks":      readDisks,
		"/console":    readConsole,
	}
}

func (p *peer) controlHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, ok := controlCalls[r.URL.Path]
		if !ok || r.Method != http.MethodPost {
			http.NotFound(w, r)
			return
		}
		var body json.RawMessage
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := p.answerControl(found, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})
}

// answerControl also writes the answer down under the lock: some are what the peer goes on working with, and Go ends a
// program that changes a map while it is read.
func (p *peer) answerControl(call controlCall, body []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	result, err := call(p, body)
	if err != nil {
		return nil, err
	}
	if result == nil {
		result = struct{}{}
	}
	return json.Marshal(result)
}

func setUuid(_ *peer, body []byte) (interface{}, error) {
	var wanted struct {
		File string `json:"file"`
		UUID string `json:"uuid"`
	}
	if err := json.Unmarshal(body, &wanted); err != nil {
		return nil, err
	}
	file, d, fault := openDisk(wanted.File)
	if fault != nil {
		return nil, fmt.Errorf("%s: %s", wanted.File, faultMessage(fault))
	}
	d.UUID = wanted.UUID
	if err := d.write(file); err != nil {
		return nil, err
	}
	for _, use := range usesOf(wanted.File) {
		describeDisks(use.vm)
	}
	return nil, nil
}

func setHidden(p *peer, body []byte) (interface{}, error) {
	var wanted struct {
		Paths []string `json:"paths"`
	}
	err := json.Unmarshal(body, &wanted)
	p.hidden = map[string]bool{}
	for _, path := range wanted.Paths {
		p.hidden[path] = true
	}
	return nil, err
}

func setAccount(p *peer, body []byte) (interface{}, error) {
	var a account
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, err
	}
	if a.Name == "" {
		return nil, fmt.Errorf("an account has a name")
	}
	known := p.sessions.accounts[a.Name]
	if known == nil {
		known = &account{}
		p.sessions.accounts[a.Name] = known
	}
	if a.Password == "" {
		a.Password = known.Password
	}
	// In place: sessions that are open see the change, as they do in vCenter.
	*known = a
	return nil, nil
}

func expireSessions(p *peer, _ []byte) (interface{}, error) {
	count := len(p.sessions.sessions)
	p.sessions.expireAll()
	p.changes.wakeAll()
	return map[string]int{"expired": count}, nil
}

func controlLicence(p *peer, body []byte) (interface{}, error) {
	var spec licenceSpec
	if err := json.Unmarshal(body, &spec); err != nil {
		return nil, err
	}
	p.setLicence(spec)
	return nil, nil
}

func setStrict(p *peer, body []byte) (interface{}, error) {
	var wanted struct {
		IsStrict bool `json:"isStrict"`
	}
	err := json.Unmarshal(body, &wanted)
	p.rules.isStrict = wanted.IsStrict
	return nil, err
}

func addFailure(p *peer, body []byte) (interface{}, error) {
	rule := &failureRule{}
	if err := json.Unmarshal(body, rule); err != nil {
		return nil, err
	}
	if err := rule.check(); err != nil {
		return nil, err
	}
	p.rules.failures = append(p.rules.failures, rule)
	return nil, nil
}

func clearFailures(p *peer, _ []byte) (interface{}, error) {
	count := len(p.rules.failures)
	p.rules.failures = nil
	return map[string]int{"cleared": count}, nil
}

// setDelays replaces the delays of tasks: {"PowerOnVM_Task": 2000}, in milliseconds; "*" is every other task.
func setDelays(p *peer, body []byte) (interface{}, error) {
	var delays map[string]int
	if err := json.Unmarshal(body, &delays); err != nil {
		return nil, err
	}
	p.rules.delays = map[string]time.Duration{}
	for method, delayMs := range delays {
		p.rules.delays[method] = time.Duration(delayMs) * time.Millisecond
	}
	return nil, nil
}

// startOutage closes the API port and its connections for so long; 0 brings it back at once.
func startOutage(p *peer, body []byte) (interface{}, error) {
	var outage struct {
		DurationMs int `json:"durationMs"`
	}
	if err := json.Unmarshal(body, &outage); err != nil {
		return nil, err
	}
	if outage.DurationMs == 0 {
		return nil, p.server.listen()
	}
	p.server.cut()
	time.AfterFunc(time.Duration(outage.DurationMs)*time.Millisecond, func() { _ = p.server.listen() })
	return nil, nil
}

func controlDatastore(p *peer, body []byte) (interface{}, error) {
	var spec datastoreSpec
	if err := json.Unmarshal(body, &spec); err != nil {
		return nil, err
	}
	if err := p.addDatastore(spec); err != nil {
		return nil, err
	}
	p.changes.wakeAll()
	return map[string]string{"moid": datastoreNamed(spec.Name).Self.Value}, nil
}

func setSize(p *peer, body []byte) (interface{}, error) {
	var size struct {
		Name string `json:"name"`
		sizeOverride
	}
	if err := json.Unmarshal(body, &size); err != nil {
		return nil, err
	}
	ds := datastoreNamed(size.Name)
	if ds == nil {
		return nil, fmt.Errorf("no datastore %q", size.Name)
	}
	p.sizes[size.Name] = size.sizeOverride
	p.refreshSize(ds)
	p.changes.wakeAll()
	return nil, nil
}

// setGuest says how guests behave: login, how programs end, how long a boot and its tools take, which never run.
func setGuest(p *peer, body []byte) (interface{}, error) {
	var wanted struct {
		User     string        `json:"user"`
		Password string        `json:"password"`
		Rules    []programRule `json:"rules"`
		BootMs   int           `json:"bootMs"`
		ReadyMs  *int          `json:"readyMs"`
		Silent   []string      `json:"silent"`
	}
	if err := json.Unmarshal(body, &wanted); err != nil {
		return nil, err
	}
	p.guests.user, p.guests.password, p.guests.rules = wanted.User, wanted.Password, wanted.Rules
	p.power.bootTime = time.Duration(wanted.BootMs) * time.Millisecond
	p.power.readyTime = defaultReadyTime
	if wanted.ReadyMs != nil {
		p.power.readyTime = time.Duration(*wanted.ReadyMs) * time.Millisecond
	}
	p.power.silent = map[string]bool{}
	for _, name := range wanted.Silent {
		p.power.silent[name] = true
	}
	return nil, nil
}

// setConnection says whether a VM can be read. Of one that cannot, vCenter shows no configuration, and finds it by no UUID.
func setConnection(p *peer, body []byte) (interface{}, error) {
	var wanted struct {
		State types.VirtualMachineConnectionState `json:"state"`
	}
	if err := json.Unmarshal(body, &wanted); err != nil {
		return nil, err
	}
	vm, err := vmFromControl(body)
	if err != nil {
		return nil, err
	}
	if kept := p.unreadable[vm.Self]; kept != nil {
		vm.Config = kept
		delete(p.unreadable, vm.Self)
	}
	switch wanted.State {
	case types.VirtualMachineConnectionStateInaccessible, types.VirtualMachineConnectionStateOrphaned,
		types.VirtualMachineConnectionStateInvalid:
		p.unreadable[vm.Self] = vm.Config
		vm.Config = &types.VirtualMachineConfigInfo{}
	}
	vm.Runtime.ConnectionState = wanted.State
	p.changes.wakeAll()
	return nil, nil
}

func vmFromControl(body []byte) (*simulator.VirtualMachine, error) {
	var wanted struct {
		VM string `json:"vm"`
	}
	if err := json.Unmarshal(body, &wanted); err != nil {
		return nil, err
	}
	if vm := vmOf(types.ManagedObjectReference{Type: "VirtualMachine", Value: wanted.VM}); vm != nil {
		return vm, nil
	}
	for _, vm := range allVMs() {
		if vm.Name == wanted.VM {
			return vm, nil
		}
	}
	return nil, fmt.Errorf("no VM %q", wanted.VM)
}

func readGuest(p *peer, body []byte) (interface{}, error) {
	vm, err := vmFromControl(body)
	if err != nil {
		return nil, err
	}
	return p.guests.of(vm.Self), nil
}

func readCalls(p *peer, _ []byte) (interface{}, error) {
	return p.rules.calls, nil
}

func readDisks(p *peer, _ []byte) (interface{}, error) {
	return append([]diskChange{}, p.diskChanges...), nil
}

func readConsole(p *peer, body []byte) (interface{}, error) {
	vm, err := vmFromControl(body)
	if err != nil {
		return nil, err
	}
	file := p.consoleFile(vm)
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return map[string]string{"file": file, "text": string(text)}, nil
}

// describe makes the line that is printed when the peer answers.
func (p *peer) describe(control string) *readyLine {
	ready := &readyLine{
		URL: "https://" + p.server.address + "/sdk", Control: control,
		User: p.options.user, Password: p.options.password, PID: os.Getpid(),
		Thumbprints: thumbprintsOf(p.server.certificate.Certificate[0]),
	}
	for _, entity := range simulator.Map.All("Datastore") {
		ds := entity.(*simulator.Datastore)
		ready.Datastores = append(ready.Datastores, datastoreSpec{
			Name: ds.Name, Folder: ds.Info.GetDatastoreInfo().Url, Type: ds.Summary.Type,
		})
	}
	return ready
}
