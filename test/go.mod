module github.com/holdfast-files/holdfast/test

go 1.26.0
