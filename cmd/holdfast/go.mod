module github.com/holdfast-files/holdfast/cmd/holdfast

go 1.26.0
