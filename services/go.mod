module github.com/holdfast-files/holdfast/services

go 1.26.0

require (
	github.com/google/uuid v1.6.0
	github.com/holdfast-files/holdfast/internal v0.0.0
	github.com/holdfast-files/holdfast/proto v0.0.0
)

require (
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	go.einride.tech/aip v0.86.3 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/holdfast-files/holdfast/proto => ../proto

replace github.com/holdfast-files/holdfast/internal => ../internal
