module github.com/holdfast-files/holdfast/gateway

go 1.26.0
