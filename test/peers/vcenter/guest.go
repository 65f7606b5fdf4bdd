package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Guest operations are kept as records and run nothing: a test reads what was asked for, and says beforehand how
// a program ends.

const guestFilePath = "/guestFile"

// guestProgram is one program that a caller started.
type guestProgram struct {
	PID       int64     `json:"pid"`
	Program   string    `json:"program"`
	Arguments string    `json:"arguments"`
	Owner     string    `json:"owner"`
	ExitCode  int32     `json:"exitCode"`
	StartedAt time.Time `json:"startedAt"`
	endsAt    time.Time
}

type guestRecord struct {
	Programs    []*guestProgram   `json:"programs"`
	Files       map[string]string `json:"files"`
	Directories []string          `json:"directories"`
}

// programRule says how programs whose command line holds the text end; Files appear in the guest with it.
type programRule struct {
	Contains string            `json:"contains"`
	ExitCode int32             `json:"exitCode"`
	RunMs    int               `json:"runMs"`
	Files    map[string]string `json:"files,omitempty"`
}

type guestTable struct {
	records  map[string]*guestRecord
	rules    []programRule
	user     string
	password string
	transfer map[string]guestTransfer
	nextPID  int64
}

// guestTransfer is one link to a file of a guest; it is good for one use.
type guestTransfer struct {
	record *guestRecord
	path   string
	isPut  bool
}

func newGuestTable() *guestTable {
	return &guestTable{
		records: map[string]*guestRecord{}, transfer: map[string]guestTransfer{}, nextPID: 4000,
	}
}

func (t *guestTable) of(ref types.ManagedObjectReference) *guestRecord {
	record := t.records[ref.Value]
	if record == nil {
		record = &guestRecord{Files: map[string]string{}, Programs: []*guestProgram{}, Directories: []string{}}
		t.records[ref.Value] = record
	}
	return record
}

// open checks that the guest can be asked, and by this user.
func (p *peer) openGuest(ref types.ManagedObjectReference, auth types.BaseGuestAuthentication) (*guestRecord, string, types.BaseMethodFault) {
	vm := vmOf(ref)
	if vm == nil {
		return nil, "", &types.ManagedObjectNotFound{Obj: ref}
	}
	if !isOn(vm) {
		return nil, "", invalidPower(vm, types.VirtualMachinePowerStatePoweredOn)
	}
	if !isTrue(vm.Guest.GuestOperationsReady) {
		return nil, "", &types.GuestOperationsUnavailable{}
	}
	login, ok := auth.(*types.NamePasswordAuthentication)
	if !ok || login.Username == "" {
		return nil, "", &types.InvalidGuestLogin{}
	}
	if p.guests.user != "" && (login.Username != p.guests.user || login.Password != p.guests.password) {
		return nil, "", &types.InvalidGuestLogin{}
	}
	return p.guests.of(ref), login.Username, nil
}

func startProgram(c *call) answer {
	r := c.body.(*types.StartProgramInGuest)
	p := c.peer
	record, user, fault := p.openGuest(r.Vm, r.Auth)
	if fault != nil {
		return refused(fault)
	}
	spec := r.Spec.GetGuestProgramSpec()
	p.guests.nextPID++
	program := &guestProgram{
		PID: p.guests.nextPID, Program: spec.ProgramPath, Arguments: spec.Arguments, Owner: user,
		StartedAt: time.Now(),
	}
	program.endsAt = program.StartedAt
	for _, rule := range p.guests.rules {
		if strings.Contains(spec.ProgramPath+" "+spec.Arguments, rule.Contains) {
			program.ExitCode = rule.ExitCode
			program.endsAt = program.StartedAt.Add(time.Duration(rule.RunMs) * time.Millisecond)
			for path, text := range rule.Files {
				record.Files[path] = text
			}
			break
		}
	}
	record.Programs = append(record.Programs, program)
	return answer{response: &types.StartProgramInGuestResponse{Returnval: program.PID}}
}

func listProcesses(c *call) answer {
	r := c.body.(*types.ListProcessesInGuest)
	record, _, fault := c.peer.openGuest(r.Vm, r.Auth)
	if fault != nil {
		return refused(fault)
	}
	response := &types.ListProcessesInGuestResponse{}
	for _, program := range record.Programs {
		if len(r.Pids) > 0 && !containsPID(r.Pids, program.PID) {
			continue
		}
		info := types.GuestProcessInfo{
			Name: program.Program[strings.LastIndexAny(program.Program, `/\`)+1:], Pid: program.PID,
			Owner: program.Owner, CmdLine: strings.TrimSpace(program.Program + " " + program.Arguments),
			StartTime: program.StartedAt,
		}
		if !time.Now().Before(program.endsAt) {
			ended := program.endsAt
			info.EndTime, info.ExitCode = &ended, program.ExitCode
		}
		response.Returnval = append(response.Returnval, info)
	}
	return answer{response: response}
}

func containsPID(pids []int64, pid int64) bool {
	for _, each := range pids {
		if each == pid {
			return true
		}
	}
	return false
}

func validateGuestCredentials(c *call) answer {
	r := c.body.(*types.ValidateCredentialsInGuest)
	if _, _, fault := c.peer.openGuest(r.Vm, r.Auth); fault != nil {
		return refused(fault)
	}
	return answer{response: &types.ValidateCredentialsInGuestResponse{}}
}

// guestLink has "*" for the host when asked of a real server; the peer names itself so that a plain client works.
func (p *peer) guestLink(transfer guestTransfer) string {
	token := uuid.New().String()
	p.guests.transfer[token] = transfer
	return (&url.URL{
		Scheme: "https", Host: p.server.address, Path: guestFilePath,
		RawQuery: url.Values{"id": {fmt.Sprint(len(p.guests.transfer))}, "token": {token}}.Encode(),
	}).String()
}

func transferToGuest(c *call) answer {
	r := c.body.(*types.InitiateFileTransferToGuest)
	p := c.peer
	record, _, fault := p.openGuest(r.Vm, r.Auth)
	if fault != nil {
		return refused(fault)
	}
	if _, isThere := record.Files[r.GuestFilePath]; isThere && !r.Overwrite {
		return refused(&types.FileAlreadyExists{FileFault: types.FileFault{File: r.GuestFilePath}})
	}
	link := p.guestLink(guestTransfer{record: record, path: r.GuestFilePath, isPut: true})
	return answer{response: &types.InitiateFileTransferToGuestResponse{Returnval: link}}
}

func transferFromGuest(c *call) answer {
	r := c.body.(*types.InitiateFileTransferFromGuest)
	p := c.peer
	record, _, fault := p.openGuest(r.Vm, r.Auth)
	if fault != nil {
		return refused(fault)
	}
	text, isThere := record.Files[r.GuestFilePath]
	if !isThere {
		return refused(&types.FileNotFound{FileFault: types.FileFault{File: r.GuestFilePath}})
	}
	return answer{response: &types.InitiateFileTransferFromGuestResponse{Returnval: types.FileTransferInformation{
		Attributes: &types.GuestFileAttributes{}, Size: int64(len(text)),
		Url: p.guestLink(guestTransfer{record: record, path: r.GuestFilePath}),
	}}}
}

func makeGuestDirectory(c *call) answer {
	r := c.body.(*types.MakeDirectoryInGuest)
	record, _, fault := c.peer.openGuest(r.Vm, r.Auth)
	if fault != nil {
		return refused(fault)
	}
	if contains(record.Directories, r.DirectoryPath) {
		return refused(&types.FileAlreadyExists{FileFault: types.FileFault{File: r.DirectoryPath}})
	}
	record.Directories = append(record.Directories, r.DirectoryPath)
	return answer{response: &types.MakeDirectoryInGuestResponse{}}
}

func deleteGuestFile(c *call) answer {
	r := c.body.(*types.DeleteFileInGuest)
	record, _, fault := c.peer.openGuest(r.Vm, r.Auth)
	if fault != nil {
		return refused(fault)
	}
	if _, isThere := record.Files[r.FilePath]; !isThere {
		return refused(&types.FileNotFound{FileFault: types.FileFault{File: r.FilePath}})
	}
	delete(record.Files, r.FilePath)
	return answer{response: &types.DeleteFileInGuestResponse{}}
}

const maxGuestFileBytes = 16 << 20

func (p *peer) serveGuestFile(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxGuestFileBytes))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	transfer, ok := p.guests.transfer[token]
	if !ok || transfer.isPut != (r.Method == http.MethodPut) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	delete(p.guests.transfer, token)
	if transfer.isPut {
		transfer.record.Files[transfer.path] = string(body)
		return
	}
	_, _ = io.WriteString(w, transfer.record.Files[transfer.path])
}

// prepareGuestManagers names the manager that the simulator lacks.
func prepareGuestManagers() {
	manager, ok := simulator.Map.Get(*content().GuestOperationsManager).(*simulator.GuestOperationsManager)
	if ok && manager.AuthManager == nil {
		manager.AuthManager = &types.ManagedObjectReference{
			Type: "GuestAuthManager", Value: "guestOperationsAuthManager",
		}
	}
}
