package main

import (
	"io"
	"os"
	"syscall"
)

const (
	seekData = 3
	seekHole = 4
)

// extent is a part of a file that may hold data; what is between extents reads as zeros.
type extent struct{ start, end int64 }

func extentsOf(file *os.File) ([]extent, error) {
	var found []extent
	for at := int64(0); ; {
		start, err := file.Seek(at, seekData)
		if err != nil {
			if p, ok := err.(*os.PathError); ok && p.Err == syscall.ENXIO {
				return found, nil
			}
			return nil, err
		}
		end, err := file.Seek(start, seekHole)
		if err != nil {
			return nil, err
		}
		found = append(found, extent{start, end})
		at = end
	}
}

// copySparse copies only the extents, so that a large disk with little in it costs little.
func copySparse(source, target string) error {
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	to, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := to.Truncate(info.Size()); err != nil {
		return err
	}
	extents, err := extentsOf(from)
	if err != nil {
		return err
	}
	for _, e := range extents {
		section := io.NewSectionReader(from, e.start, e.end-e.start)
		if _, err := to.Seek(e.start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(to, section); err != nil {
			return err
		}
	}
	return to.Sync()
}
