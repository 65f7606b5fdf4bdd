package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Changed block tracking by comparison: a snapshot keeps a digest of every block that holds data, under the
// change id it shows, and a query compares two of these. Real ESXi tracks the writes instead, so it may report
// blocks that were written with what they held already.

const trackBlockBytes = 64 << 10

type blockDigest [16]byte

// track holds the digests by block number; blocks of zeros are left out.
type track struct {
	disk     string
	blocks   map[int64]blockDigest
	capacity int64
}

type trackTable struct {
	epochs map[string]*track
	counts map[string]int
}

func newTrackTable() *trackTable {
	return &trackTable{epochs: map[string]*track{}, counts: map[string]int{}}
}

// mark gives each disk of a new snapshot a change id and remembers its content.
func (t *trackTable) mark(devices []types.BaseVirtualDevice) error {
	for _, device := range devices {
		disk, ok := device.(*types.VirtualDisk)
		if !ok || flatBacking(disk) == nil {
			continue
		}
		b := flatBacking(disk)
		file, d, fault := openDisk(b.FileName)
		if fault != nil {
			return fmt.Errorf("%s: %s", b.FileName, faultMessage(fault))
		}
		read, err := digestBlocks(d.dataFile(file))
		if err != nil {
			return err
		}
		read.disk = d.UUID
		if t.counts[d.UUID] == 0 {
			t.counts[d.UUID] = 1
		}
		t.counts[d.UUID]++
		b.ChangeId = fmt.Sprintf("%s/%d", uuid.NewSHA1(uuid.NameSpaceOID, []byte(d.UUID)), t.counts[d.UUID])
		t.epochs[b.ChangeId] = read
	}
	return nil
}

func digestBlocks(name string) (*track, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	extents, err := extentsOf(file)
	if err != nil {
		return nil, err
	}
	t := &track{blocks: map[int64]blockDigest{}, capacity: info.Size()}
	zeros, buffer := make([]byte, trackBlockBytes), make([]byte, trackBlockBytes)
	next := int64(0)
	for _, e := range extents {
		for block := maxOf(next, e.start/trackBlockBytes); block*trackBlockBytes < e.end; block++ {
			n, err := file.ReadAt(buffer, block*trackBlockBytes)
			if err != nil && err != io.EOF {
				return nil, err
			}
			next = block + 1
			if bytes.Equal(buffer[:n], zeros[:n]) {
				continue
			}
			sum := sha256.Sum256(buffer[:n])
			var digest blockDigest
			copy(digest[:], sum[:])
			t.blocks[block] = digest
		}
	}
	return t, nil
}

func maxOf(a, b int64) int64 {
	if a > b {
		return a
	}
	return b
}

func queryChangedDiskAreas(c *call) answer {
	r := c.body.(*types.QueryChangedDiskAreas)
	vm := vmOf(c.this)
	if vm == nil {
		return refused(&types.ManagedObjectNotFound{Obj: c.this})
	}
	if !isTrue(vm.Config.ChangeTrackingEnabled) || r.Snapshot == nil {
		return refused(&types.FileFault{File: vm.Config.Files.VmPathName})
	}
	snapshot, ok := simulator.Map.Get(*r.Snapshot).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return refused(&types.ManagedObjectNotFound{Obj: *r.Snapshot})
	}
	frozen := frozenBacking(snapshot, r.DeviceKey)
	if frozen == nil {
		return refused(&types.InvalidArgument{InvalidProperty: "deviceKey"})
	}
	now := c.peer.tracks.epochs[frozen.ChangeId]
	if now == nil || r.StartOffset < 0 || r.StartOffset >= now.capacity {
		return refused(&types.InvalidArgument{InvalidProperty: "startOffset"})
	}
	before := &track{disk: now.disk, blocks: map[int64]blockDigest{}}
	if r.ChangeId != "*" {
		before = c.peer.tracks.epochs[r.ChangeId]
		if before == nil || before.disk != now.disk || !isOlder(r.ChangeId, frozen.ChangeId) {
			// What ESXi answers after tracking was reset.
			return refused(&types.FileFault{File: frozen.FileName})
		}
	}
	return answer{response: &types.QueryChangedDiskAreasResponse{
		Returnval: changedSince(before, now, r.StartOffset),
	}}
}

// isOlder compares the numbers behind the slash.
func isOlder(a, b string) bool {
	var x, y int
	_, _ = fmt.Sscan(a[strings.LastIndex(a, "/")+1:], &x)
	_, _ = fmt.Sscan(b[strings.LastIndex(b, "/")+1:], &y)
	return x <= y
}

// maxAreas is how many areas one answer holds; the caller goes on where Length ends.
const maxAreas = 2000

func changedSince(before, now *track, startOffset int64) types.DiskChangeInfo {
	info := types.DiskChangeInfo{StartOffset: startOffset, Length: now.capacity - startOffset}
	for block := startOffset / trackBlockBytes; block*trackBlockBytes < now.capacity; block++ {
		if before.blocks[block] == now.blocks[block] {
			continue
		}
		start := maxOf(block*trackBlockBytes, startOffset)
		end := (block + 1) * trackBlockBytes
		if end > now.capacity {
			end = now.capacity
		}
		last := len(info.ChangedArea) - 1
		if last >= 0 && info.ChangedArea[last].Start+info.ChangedArea[last].Length == start {
			info.ChangedArea[last].Length += end - start
			continue
		}
		if len(info.ChangedArea) == maxAreas {
			info.Length = start - startOffset
			break
		}
		info.ChangedArea = append(info.ChangedArea, types.DiskChangeExtent{Start: start, Length: end - start})
	}
	return info
}
