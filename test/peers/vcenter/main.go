// A vCenter or a standalone ESXi host for tests: Debian's govmomi simulator behind a SOAP front of our own,
// which adds what a data mover depends on. README.md says what is real and what stands in.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// repeated collects a flag that may be given several times.
type repeated []string

func (r *repeated) String() string { return strings.Join(*r, " ") }

func (r *repeated) Set(value string) error {
	*r = append(*r, value)
	return nil
}

type options struct {
	mode       string
	version    string
	build      string
	user       string
	password   string
	licence    string
	clusters   int
	hosts      int
	standalone int
	qemu       bool
	marker     string
	datastores repeated
}

func readOptions() options {
	var o options
	flag.StringVar(&o.mode, "mode", "vcenter", "vcenter or esxi")
	flag.StringVar(&o.version, "version", "7.0.3", "version of vCenter and of its hosts")
	flag.StringVar(&o.build, "build", "20036589", "build number")
	flag.StringVar(&o.user, "user", "administrator@vsphere.local", "name of the administrator")
	flag.StringVar(&o.password, "password", "Passw0rd!", "password of the administrator")
	flag.StringVar(&o.licence, "licence", "", "edition key, such as eval, esxBasic, esxEnterprisePlus")
	flag.IntVar(&o.clusters, "clusters", 1, "clusters of the datacenter")
	flag.IntVar(&o.hosts, "hosts", 2, "hosts per cluster")
	flag.IntVar(&o.standalone, "standalone", 0, "hosts outside a cluster")
	flag.BoolVar(&o.qemu, "qemu", false, "boot the disks of powered-on VMs with QEMU")
	flag.StringVar(&o.marker, "marker", "ASR-BOOT-OK", "text on the console that says a guest is up")
	flag.Var(&o.datastores, "datastore", "name=folder[,type]; type is VMFS, NFS or vsan; may be repeated")
	flag.Parse()
	return o
}

func main() {
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	if err := run(readOptions()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options) error {
	p, err := newPeer(o)
	if err != nil {
		return err
	}
	defer p.close()
	ready, err := p.start()
	if err != nil {
		return err
	}
	line, err := json.Marshal(ready)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	waitForEnd()
	return nil
}

// waitForEnd returns when the parent closes standard input, which also happens when the parent dies, or on a signal.
func waitForEnd() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		ended <- syscall.SIGTERM
	}()
	<-ended
}
