package rpc

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// registerReflection shows the services of s and what their descriptors need,
// not whatever else is linked into the binary.
func registerReflection(s *grpc.Server) error {
	shown := new(protoregistry.Files)
	for name := range s.GetServiceInfo() {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return err
		}
		if err := show(shown, d.ParentFile()); err != nil {
			return err
		}
	}
	if err := show(shown, reflectionv1.File_grpc_reflection_v1_reflection_proto); err != nil {
		return err
	}
	reflectionv1.RegisterServerReflectionServer(s, reflection.NewServerV1(reflection.ServerOptions{
		Services:           s,
		DescriptorResolver: shown,
		ExtensionResolver:  new(protoregistry.Types),
	}))
	return nil
}

// show adds a file and its imports.
func show(files *protoregistry.Files, file protoreflect.FileDescriptor) error {
	if _, err := files.FindFileByPath(file.Path()); err == nil {
		return nil
	}
	imports := file.Imports()
	for i := range imports.Len() {
		if err := show(files, imports.Get(i).FileDescriptor); err != nil {
			return err
		}
	}
	return files.RegisterFile(file)
}
