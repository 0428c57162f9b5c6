module github.com/holdfast-files/holdfast/services

go 1.26.0

require (
	github.com/google/uuid v1.6.0
	github.com/holdfast-files/holdfast/internal v0.0.0
	github.com/holdfast-files/holdfast/proto v0.0.0
)

require google.golang.org/protobuf v1.36.12 // indirect

replace github.com/holdfast-files/holdfast/proto => ../proto

replace github.com/holdfast-files/holdfast/internal => ../internal
