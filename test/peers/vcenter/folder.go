package main

import (
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// serveFolder gives and takes whole files of a datastore, to logged-in users only: /folder/<path>?dsName=<name>.
func (p *peer) serveFolder(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	s := p.sessions.of(r)
	ds := datastoreNamed(r.URL.Query().Get("dsName"))
	p.mu.Unlock()
	if s == nil {
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	}
	if ds == nil {
		http.NotFound(w, r)
		return
	}
	file := filepath.Join(ds.Info.GetDatastoreInfo().Url, path.Clean("/"+strings.TrimPrefix(r.URL.Path, "/folder/")))
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		http.ServeFile(w, r, file)
	case http.MethodPut:
		putFile(w, r, file)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func putFile(w http.ResponseWriter, r *http.Request, file string) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	out, err := os.Create(file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()
	if _, err := io.Copy(out, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
}
