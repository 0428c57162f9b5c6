module github.com/holdfast-files/holdfast/internal

go 1.26.0

require github.com/holdfast-files/holdfast/proto v0.0.0

require google.golang.org/protobuf v1.36.12 // indirect

replace github.com/holdfast-files/holdfast/proto => ../proto
