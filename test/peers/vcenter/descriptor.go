package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// descriptor is the text file x.vmdk beside the file with the bytes, in the form ESXi writes.
type descriptor struct {
	CapacityBytes int64
	UUID          string
	Adapter       string
	IsThin        bool
	ContentID     string
	// Extent is the name of the file with the bytes, in the same folder.
	Extent string
	// Parent is the descriptor of the disk below a snapshot, "" for a base disk.
	Parent string
}

const (
	sectorBytes     = 512
	noParent        = "ffffffff"
	maxExtentLength = 64 << 10
)

func newDiskUUID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	copy(b[:], []byte{0x60, 0x00, 0xc2, 0x90 | b[3]&0x0f})
	return uuidFromDdb(fmt.Sprintf("%x", b[:]))
}

func newContentID() string {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%x", b[:])
}

// ddbUUID writes "6000C29a-1122-…" as "60 00 C2 9a 11 22 33 44-55 66 …".
func ddbUUID(uuid string) string {
	hex := strings.ToLower(strings.ReplaceAll(uuid, "-", ""))
	var pairs []string
	for i := 0; i+2 <= len(hex); i += 2 {
		pairs = append(pairs, hex[i:i+2])
	}
	if len(pairs) != 16 {
		return uuid
	}
	return strings.Join(pairs[:8], " ") + "-" + strings.Join(pairs[8:], " ")
}

// uuidFromDdb gives the form of the API, "6000C29a-1122-…", whose C alone is a capital.
func uuidFromDdb(text string) string {
	hex := strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(text))
	if len(hex) != 32 {
		return text
	}
	uuid := strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-")
	return strings.Replace(uuid, "6000c29", "6000C29", 1)
}

func extentName(file string) string {
	return strings.TrimSuffix(filepath.Base(file), ".vmdk") + "-flat.vmdk"
}

func (d *descriptor) text() string {
	sectors := d.CapacityBytes / sectorBytes
	kind, extentKind, parent := "vmfs", "VMFS", noParent
	hint := ""
	if d.Parent != "" {
		kind, extentKind, parent = "vmfsSparse", "VMFSSPARSE", "fffffffe"
		hint = fmt.Sprintf("parentFileNameHint=%q\n", d.Parent)
	}
	thin := ""
	if d.IsThin {
		thin = "ddb.thinProvisioned = \"1\"\n"
	}
	return fmt.Sprintf(`# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=%s
parentCID=%s
createType="%s"
%s
# Extent description
RW %d %s "%s"

# The Disk Data Base
#DDB

ddb.adapterType = "%s"
ddb.geometry.cylinders = "%d"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
%sddb.uuid = "%s"
ddb.virtualHWVersion = "14"
`, d.ContentID, parent, kind, hint, sectors, extentKind, d.Extent, d.Adapter,
		sectors/(255*63), thin, ddbUUID(d.UUID))
}

func (d *descriptor) write(file string) error {
	return os.WriteFile(file, []byte(d.text()), 0o600)
}

var (
	extentLine   = regexp.MustCompile(`(?m)^RW (\d+) (?:VMFS|VMFSSPARSE|FLAT) "([^"]+)"`)
	descriptorKV = regexp.MustCompile(`(?m)^([\w.]+)\s*=\s*"?([^"\n]*)"?$`)
)

// readDescriptor gives nil for a file that holds none, such as the empty one the simulator makes.
func readDescriptor(file string) (*descriptor, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 || info.Size() > maxExtentLength {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	extent := extentLine.FindSubmatch(text)
	if extent == nil {
		return nil, nil
	}
	sectors, err := strconv.ParseInt(string(extent[1]), 10, 64)
	if err != nil {
		return nil, err
	}
	d := &descriptor{CapacityBytes: sectors * sectorBytes, Extent: string(extent[2]), Adapter: "lsilogic"}
	for _, match := range descriptorKV.FindAllSubmatch(text, -1) {
		d.set(string(match[1]), string(match[2]))
	}
	return d, nil
}

func (d *descriptor) set(key, value string) {
	switch key {
	case "CID":
		d.ContentID = value
	case "ddb.uuid":
		d.UUID = uuidFromDdb(value)
	case "ddb.adapterType":
		d.Adapter = value
	case "ddb.thinProvisioned":
		d.IsThin = value == "1"
	case "parentFileNameHint":
		d.Parent = value
	}
}

// dataFile is where the bytes of the disk are.
func (d *descriptor) dataFile(file string) string {
	return filepath.Join(filepath.Dir(file), d.Extent)
}

// makeDisk writes a descriptor and a sparse file of its size over what is there.
func makeDisk(file string, d descriptor) (*descriptor, error) {
	d.UUID, d.ContentID = newDiskUUID(), newContentID()
	if d.Extent == "" {
		d.Extent = extentName(file)
	}
	if d.Adapter == "" {
		d.Adapter = "lsilogic"
	}
	data, err := os.OpenFile(d.dataFile(file), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	if err := data.Truncate(d.CapacityBytes); err != nil {
		return nil, err
	}
	return &d, d.write(file)
}
