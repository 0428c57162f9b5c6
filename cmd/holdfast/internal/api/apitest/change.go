package apitest

import (
	"net/http"

	"google.golang.org/protobuf/types/known/timestamppb"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

func (s *Server) createFolder(w http.ResponseWriter, r *http.Request) {
	var in struct{ DisplayName, Kind, Folder string }
	if !input(w, r, &in) {
		return
	}
	folder := s.nodes[in.Folder]
	name, err := checkName(in.DisplayName)
	switch {
	case in.Kind != "FOLDER" || err != nil:
		refuse(w, "INVALID_ARGUMENT", "not a folder with a name")
	case folder == nil || folder.DeleteTime != nil || s.hidden(folder):
		refuse(w, "NOT_FOUND", "there is no such folder")
	case folder.Kind != metadatav1.File_FOLDER:
		refuse(w, "CONFLICT", "that is no folder")
	case s.child(folder.Name, name) != nil:
		refuse(w, "ALREADY_EXISTS", name+" exists")
	default:
		show(w, http.StatusOK, s.add(folder.Name, name, metadatav1.File_FOLDER).File)
	}
}

func (s *Server) trash(w http.ResponseWriter, _ *http.Request, n *node) {
	if n.Folder == "" || n.DeleteTime != nil {
		refuse(w, "CONFLICT", "can't be moved to the trash")
		return
	}
	n.DeleteTime = s.tick()
	n.PurgeTime = timestamppb.New(n.DeleteTime.AsTime().AddDate(0, 0, 30))
	s.touch(n)
	show(w, http.StatusOK, n.File)
}

func (s *Server) move(w http.ResponseWriter, r *http.Request, n *node) {
	var in struct{ Folder, DisplayName, Etag string }
	if !input(w, r, &in) {
		return
	}
	if in.Etag != "" && in.Etag != n.Etag {
		refuse(w, "PRECONDITION_FAILED", "the etag does not match")
		return
	}
	for at := s.nodes[in.Folder]; at != nil; at = s.nodes[at.Folder] {
		if at == n {
			refuse(w, "CONFLICT", "a folder can't be moved into itself")
			return
		}
	}
	s.place(w, n, in.Folder, in.DisplayName)
}

func (s *Server) undelete(w http.ResponseWriter, r *http.Request, n *node) {
	var in struct{ Folder, DisplayName string }
	if !input(w, r, &in) {
		return
	}
	if n.DeleteTime == nil {
		refuse(w, "ALREADY_EXISTS", "it is not in the trash")
		return
	}
	s.place(w, n, in.Folder, in.DisplayName)
}

// place puts a node where it is to be, out of the trash if it is there.
func (s *Server) place(w http.ResponseWriter, n *node, folder, name string) {
	if folder == "" {
		folder = n.Folder
	}
	if name == "" {
		name = n.DisplayName
	}
	at := s.nodes[folder]
	switch taken := s.child(folder, name); {
	case at == nil || at.DeleteTime != nil || s.hidden(at) || at.Kind != metadatav1.File_FOLDER:
		refuse(w, "CONFLICT", "the folder is gone")
	case taken != nil && taken != n:
		refuse(w, "ALREADY_EXISTS", name+" exists")
	default:
		n.Folder, n.DisplayName, n.DeleteTime, n.PurgeTime = folder, name, nil, nil
		s.touch(n)
		show(w, http.StatusOK, n.File)
	}
}

func (s *Server) purge(w http.ResponseWriter, r *http.Request, n *node) {
	var in struct{ Etag string }
	if !input(w, r, &in) {
		return
	}
	if n.DeleteTime == nil {
		refuse(w, "CONFLICT", "it is not in the trash")
		return
	}
	delete(s.nodes, n.Name)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{}"))
}
