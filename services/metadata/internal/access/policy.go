package access

import (
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// policy says for every method what its caller needs. What has no row is
// refused to everybody; a test walks all services and fails for a method
// without one.
var policy = map[string]rule{
	metadatav1.SpaceService_CreateSpace_FullMethodName: administrator(),
	metadatav1.SpaceService_ListSpaces_FullMethodName:  reads(identity()), // shows only where he has a role
	metadatav1.SpaceService_GetSpace_FullMethodName:    reads(role(Reader, name)),
	metadatav1.SpaceService_UpdateSpace_FullMethodName: role(Owner, spaceName),
	metadatav1.SpaceService_DeleteSpace_FullMethodName: administratorIn(name),

	metadatav1.FileService_CreateFile_FullMethodName:      role(Writer, parent),
	metadatav1.FileService_GetFile_FullMethodName:         reads(role(Reader, name)),
	metadatav1.FileService_LookupFile_FullMethodName:      reads(role(Reader, parent)),
	metadatav1.FileService_ListFiles_FullMethodName:       reads(role(Reader, parent)),
	metadatav1.FileService_UpdateFile_FullMethodName:      role(Writer, fileName),
	metadatav1.FileService_DeleteFile_FullMethodName:      role(Writer, name),
	metadatav1.FileService_UndeleteFile_FullMethodName:    role(Writer, name),
	metadatav1.FileService_PurgeFile_FullMethodName:       role(Writer, name),
	metadatav1.FileService_MoveFile_FullMethodName:        role(Writer, name),
	metadatav1.FileService_ListRevisions_FullMethodName:   reads(role(Reader, parent)),
	metadatav1.FileService_GetRevision_FullMethodName:     reads(role(Reader, name)),
	metadatav1.FileService_DeleteRevision_FullMethodName:  role(Writer, name),
	metadatav1.FileService_RestoreRevision_FullMethodName: role(Writer, name),

	metadatav1.UploadService_GetUpload_FullMethodName: reads(role(Writer, name)),

	metadatav1.MemberService_CreateMember_FullMethodName: role(Owner, parent),
	metadatav1.MemberService_GetMember_FullMethodName:    reads(role(Owner, name)),
	metadatav1.MemberService_ListMembers_FullMethodName:  reads(role(Owner, parent)),
	metadatav1.MemberService_UpdateMember_FullMethodName: role(Owner, memberName),
	metadatav1.MemberService_DeleteMember_FullMethodName: role(Owner, name),

	metadatav1.KeyService_CreateKey_FullMethodName: role(Owner, parent),
	metadatav1.KeyService_GetKey_FullMethodName:    reads(role(Owner, name)),
	metadatav1.KeyService_ListKeys_FullMethodName:  reads(role(Owner, parent)),
	metadatav1.KeyService_DeleteKey_FullMethodName: role(Owner, name),

	metadatav1.ShareService_CreateShare_FullMethodName: role(Writer, parent),
	metadatav1.ShareService_GetShare_FullMethodName:    reads(role(Writer, name)),
	metadatav1.ShareService_ListShares_FullMethodName:  reads(role(Writer, parent)),
	metadatav1.ShareService_UpdateShare_FullMethodName: role(Writer, shareName),
	metadatav1.ShareService_DeleteShare_FullMethodName: role(Writer, name),
	metadatav1.ShareService_SignFile_FullMethodName:    reads(role(Reader, name)), // the link holds all there is
	metadatav1.ShareService_OpenShare_FullMethodName:   nobody(),                  // the link is the credential

	ledgerv1.LedgerService_Begin_FullMethodName:     storage(role(Writer, uploadTarget)),
	ledgerv1.LedgerService_Commit_FullMethodName:    storage(nobody()), // its grant says for whom; the role is checked again
	ledgerv1.LedgerService_Extend_FullMethodName:    storage(nobody()), // likewise
	ledgerv1.LedgerService_Abandon_FullMethodName:   storage(nobody()), // likewise
	ledgerv1.LedgerService_Locate_FullMethodName:    reads(storage(role(Reader, downloadSource))),
	ledgerv1.LedgerService_ClaimJobs_FullMethodName: storage(chore()),
	ledgerv1.LedgerService_FinishJob_FullMethodName: storage(chore()),

	ledgerv1.LedgerService_OpenUpload_FullMethodName:   storage(role(Writer, openedUpload)),
	ledgerv1.LedgerService_TakeUpload_FullMethodName:   storage(role(Writer, name)), // likewise
	ledgerv1.LedgerService_KeepExtents_FullMethodName:  storage(nobody()),           // as Commit
	ledgerv1.LedgerService_FinishUpload_FullMethodName: storage(nobody()),           // as Commit
	ledgerv1.LedgerService_DropUpload_FullMethodName:   storage(role(Writer, name)), // as TakeUpload

	ledgerv1.LedgerService_Audit_FullMethodName: reads(storage(administrator())),

	ledgerv1.LedgerService_CorrectUsage_FullMethodName: storage(administrator()),
	ledgerv1.LedgerService_LocateShared_FullMethodName: storage(nobody()), // the link is the credential
}

// rule is what the caller of a method needs.
type rule struct {
	// nobody asks for no identity of a caller.
	nobody bool
	// role is the least role in the space of the resource that in names. With
	// neither role nor administrator, any identity will do.
	role Role
	in   target
	// administrator asks for an administrator.
	administrator bool
	// storage asks for the credential of the storage service besides.
	storage bool
	// reads is set for what changes nothing: how often a principal may call that
	// has a bound of its own.
	reads bool
	// chore is what a service does by itself again and again: the audit log does
	// not tell of it.
	chore bool
}

// target returns the name of the resource that a request is about, and the
// field that has it.
type target func(req any) (field, name string)

func nobody() rule                      { return rule{nobody: true} }
func chore() rule                       { return rule{nobody: true, chore: true} }
func identity() rule                    { return rule{} }
func role(least Role, in target) rule   { return rule{role: least, in: in} }
func administrator() rule               { return rule{administrator: true} }
func administratorIn(space target) rule { return rule{administrator: true, in: space} }

func reads(r rule) rule {
	r.reads = true
	return r
}

func storage(r rule) rule {
	r.storage = true
	return r
}

func name(req any) (field, name string) {
	return "name", req.(interface{ GetName() string }).GetName()
}

func parent(req any) (field, name string) {
	return "parent", req.(interface{ GetParent() string }).GetParent()
}

func spaceName(req any) (field, name string) {
	return "space.name", req.(*metadatav1.UpdateSpaceRequest).GetSpace().GetName()
}

func fileName(req any) (field, name string) {
	return "file.name", req.(*metadatav1.UpdateFileRequest).GetFile().GetName()
}

func memberName(req any) (field, name string) {
	return "member.name", req.(*metadatav1.UpdateMemberRequest).GetMember().GetName()
}

func shareName(req any) (field, name string) {
	return "share.name", req.(*metadatav1.UpdateShareRequest).GetShare().GetName()
}

func uploadTarget(req any) (field, name string) {
	spec := req.(*ledgerv1.BeginRequest).GetSpec()
	switch {
	case spec.GetChild() != nil:
		return "folder", spec.GetChild().GetFolder()
	case spec.GetPath() != nil:
		return "space", spec.GetPath().GetSpace()
	}
	return "file", spec.GetFile()
}

func openedUpload(req any) (field, name string) {
	return "parent", req.(*ledgerv1.OpenUploadRequest).GetUpload().GetParent()
}

func downloadSource(req any) (field, name string) {
	locate := req.(*ledgerv1.LocateRequest)
	if locate.GetPath() != nil {
		return "space", locate.GetPath().GetSpace()
	}
	return "file", locate.GetFile()
}
