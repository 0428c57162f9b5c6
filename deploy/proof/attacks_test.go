package proof

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/reach"
)

type object = map[string]any

func ref(logical string) any { return object{"Ref": logical} }

// statements of the policy at a path in a resource.
func edit(p object, statements func([]any) []any, path ...any) {
	document := at(p, path...).(object)
	document["Statement"] = statements(document["Statement"].([]any))
}

func grant(pairs ...any) func([]any) []any {
	s := object{"Effect": "Allow"}
	for pair := range slices.Chunk(pairs, 2) {
		s[pair[0].(string)] = pair[1]
	}
	return func(all []any) []any { return append(all, s) }
}

// rule opens a group of the network stack.
func rule(w reach.World, kind, group string, pairs ...any) reach.World {
	p := object{"GroupId": object{"Fn::GetAtt": []any{logicalOf("network", group), "GroupId"}}, "IpProtocol": "tcp"}
	for pair := range slices.Chunk(pairs, 2) {
		p[pair[0].(string)] = pair[1]
	}
	return w.Add("network", "Attack"+kind, "AWS::EC2::SecurityGroup"+kind, p)
}

// logicalOf finds the logical id that starts with prefix and a hash.
func logicalOf(stack, prefix string) string {
	for logical := range installations["prod"].stacks[stack].Resources {
		if len(logical) == len(prefix)+8 && strings.HasPrefix(logical, prefix) {
			return logical
		}
	}
	panic("no resource " + stack + "/" + prefix)
}

// TestAttacks changes the production templates as somebody would who wants in,
// or who is careless, and reads what the prover calls the path. Unlike the
// generated mutants these were thought up by people; each was once not noticed
// by some version of the prover, or easily could be.
func TestAttacks(t *testing.T) {
	const bucket, objects = "arn:aws:s3:::data/Blobs", "arn:aws:s3:::data/Blobs/*"
	type world = reach.World
	attacks := []struct {
		name   string
		change func(w world) world
		opens  string
	}{
		{"the ledger, to a block of the VPC", func(w world) world {
			return rule(w, "Ingress", "Metadata", "CidrIp", "10.64.1.0/24", "FromPort", 9082.0, "ToPort", 9082.0)
		}, "connect stranger in the VPC -> metadata :9082"},
		{"the origin, by IPv6", func(w world) world {
			return rule(w, "Ingress", "PublicALB", "CidrIpv6", "::/0", "FromPort", 443.0, "ToPort", 443.0)
		}, "connect internet -> public-alb :443"},
		{"the origin, to another list", func(w world) world {
			return rule(w, "Ingress", "PublicALB", "SourcePrefixListId", "pl-6ea54007", "FromPort", 443.0, "ToPort", 443.0)
		}, "connect s3 -> public-alb :443"},
		{"by UDP", func(w world) world {
			return rule(w, "Ingress", "Gateway", "CidrIp", "0.0.0.0/0", "FromPort", 8080.0, "ToPort", 8080.0, "IpProtocol", "udp")
		}, "half-open network/AttackIngress: udp 8080 0.0.0.0/0"},
		{"a peer network", func(w world) world {
			w = rule(w, "Ingress", "Storage", "CidrIp", "172.16.0.0/12", "FromPort", 9083.0, "ToPort", 9083.0)
			return w.Add("network", "Peering", "AWS::EC2::Route", object{
				"RouteTableId": ref(logicalOf("network", "VPCIsolatedSubnet1RouteTable")), "DestinationCidrBlock": "172.16.0.0/12", "VpcPeeringConnectionId": "pcx-1",
			})
		}, "connect 172.16.0.0/12 -> storage :9083"},
		{"a way to a peer network", func(w world) world {
			w = rule(w, "Egress", "Storage", "CidrIp", "172.16.0.0/12", "FromPort", 443.0, "ToPort", 443.0)
			return w.Add("network", "Transit", "AWS::EC2::Route", object{
				"RouteTableId": ref(logicalOf("network", "VPCIsolatedSubnet2RouteTable")), "DestinationCidrBlock": "172.16.0.0/12", "TransitGatewayId": "tgw-1",
			})
		}, "connect storage -> 172.16.0.0/12 :443"},
		{"the default group, which lets everything out", func(w world) world {
			return w.Change("compute/GatewayService", func(p object) {
				at(p, "NetworkConfiguration", "AwsvpcConfiguration").(object)["SecurityGroups"] = []any{}
			})
		}, "connect gateway -> stranger in the VPC :0-65535"},
		{"a second VPC block", func(w world) world {
			return w.Add("network", "More", "AWS::EC2::VPCCidrBlock", object{"CidrBlock": "10.99.0.0/16"})
		}, "unjudged network/More: AWS::EC2::VPCCidrBlock"},
		{"a peering", func(w world) world {
			return w.Add("network", "Peer", "AWS::EC2::VPCPeeringConnection", object{})
		}, "unjudged network/Peer: AWS::EC2::VPCPeeringConnection"},
		{"a network ACL, which only takes away", func(w world) world {
			return w.Add("network", "ACL", "AWS::EC2::NetworkAclEntry", object{})
		}, "unjudged network/ACL: AWS::EC2::NetworkAclEntry"},
		{"a machine", func(w world) world {
			return w.Add("compute", "Jump", "AWS::EC2::Instance", object{})
		}, "unjudged compute/Jump: AWS::EC2::Instance"},
		{"a function in the VPC", func(w world) world {
			return w.Add("compute", "Spy", "AWS::Lambda::Function", object{"Role": "role", "VpcConfig": object{}})
		}, "unjudged compute/Spy: VpcConfig"},

		{"a network load balancer, which needs no group", func(w world) world {
			w = w.Add("compute", "BackDoor", "AWS::ElasticLoadBalancingV2::LoadBalancer", object{
				"Type": "network", "Scheme": "internet-facing", "Subnets": []any{"network/VPCPublicSubnet1Subnet"},
			})
			return w.Add("compute", "BackDoorListener", "AWS::ElasticLoadBalancingV2::Listener", object{"LoadBalancerArn": ref("BackDoor"), "Port": 9.0})
		}, "connect internet -> backdoor-alb :9"},
		{"what no rule takes", func(w world) world {
			return w.Change("compute/PublicEntryBalancerListener", func(p object) {
				p["DefaultActions"] = []any{object{"Type": "forward", "TargetGroupArn": ref(logicalOf("compute", "PublicEntryGateway"))}}
			})
		}, "otherwise -> gateway:8080"},
		{"a second target, by weight", func(w world) world {
			return w.Change("compute/PublicEntryFromTheEdge", func(p object) {
				p["Actions"] = []any{object{"Type": "forward", "ForwardConfig": object{"TargetGroups": []any{
					object{"TargetGroupArn": ref(logicalOf("compute", "PublicEntryGateway"))},
					object{"TargetGroupArn": ref(logicalOf("compute", "InternalEntryMetadata"))},
				}}}}
			})
		}, "-> gateway:8080 HTTP or metadata:9081 HTTP GRPC"},
		{"an address in a target group", func(w world) world {
			return w.Change("compute/InternalEntryMetadata", func(p object) { p["Targets"] = []any{object{"Id": "10.64.1.9", "Port": 9082.0}} })
		}, "metadata:9081 or 10.64.1.9:9082"},
		{"the ledger, by its path", func(w world) world {
			return w.Add("compute", "Ledger", "AWS::ElasticLoadBalancingV2::ListenerRule", object{
				"ListenerArn": ref(logicalOf("compute", "InternalEntryBalancerListener")),
				"Conditions":  []any{object{"Field": "path-pattern", "PathPatternConfig": object{"Values": []any{"/holdfast.ledger.v1.LedgerService/*"}}}},
				"Actions":     []any{object{"Type": "forward", "TargetGroupArn": ref(logicalOf("compute", "InternalEntryMetadata"))}},
			})
		}, "path is /holdfast.ledger.v1.LedgerService/* -> metadata:9081"},
		{"the origin's name", func(w world) world {
			return w.Change("compute/PublicEntryOrigin", func(p object) { p["AliasTarget"] = object{"DNSName": "evil.example.net"} })
		}, "name origin.files.example.com. A in Z0123456789ABCDEFGHIJ -> evil.example.net"},
		{"an edge that keeps answers", func(w world) world {
			return w.Change("edge/Distribution", func(p object) {
				config := p["DistributionConfig"].(object)
				config["CacheBehaviors"] = []any{object{
					"PathPattern": "/v1/*", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6", "ViewerProtocolPolicy": "https-only",
					"TargetOriginId": at(config, "Origins", 0, "Id"),
				}}
			})
		}, "keeping answers by 658327ea-f89d-4fab-a63d-7e88639e58f6 for whoever asks"},
		{"code at the edge", func(w world) world {
			return w.Change("edge/Distribution", func(p object) {
				at(p, "DistributionConfig", "DefaultCacheBehavior").(object)["LambdaFunctionAssociations"] = []any{object{}}
			})
		}, "unjudged edge/Distribution: DistributionConfig DefaultCacheBehavior LambdaFunctionAssociations"},

		{"a wildcard for the gateway", func(w world) world {
			return w.Change("compute/GatewayTaskRole", func(p object) {
				edit(p, grant("Action", "s3:*", "Resource", "*"), "Policies", 0, "PolicyDocument")
			})
		}, "data gateway may s3:DeleteObject"},
		{"part of the bucket for the gateway", func(w world) world {
			return w.Change("compute/GatewayTaskRole", func(p object) {
				edit(p, grant("Action", "s3:DeleteObject", "Resource", bucket+"/01*"), "Policies", 0, "PolicyDocument")
			})
		}, "data gateway may s3:DeleteObject in data/Blobs"},
		{"everything but", func(w world) world {
			return w.Change("compute/GatewayTaskRole", func(p object) {
				edit(p, grant("NotAction", "iam:*", "Resource", "*"), "Policies", 0, "PolicyDocument")
			})
		}, "data gateway may s3:GetObject"},
		{"the gateway, by the bucket's own policy", func(w world) world {
			return w.Change("data/BlobsPolicy", func(p object) {
				edit(p, grant("Action", "s3:DeleteObject", "Resource", objects, "Principal", object{"AWS": "compute/GatewayTaskRole"}), "PolicyDocument")
			})
		}, "data gateway may s3:DeleteObject in data/Blobs"},
		{"metadata, by a policy apart", func(w world) world {
			return w.Add("compute", "Apart", "AWS::IAM::RolePolicy", object{
				"RoleName": ref(logicalOf("compute", "MetadataTaskRole")), "PolicyDocument": object{"Statement": []any{
					object{"Effect": "Allow", "Action": []any{"s3:Delete*", "s3:List*"}, "Resource": "*"},
				}},
			})
		}, "data metadata may s3:DeleteObject s3:ListBucket in data/Blobs"},
		{"a policy of AWS", func(w world) world {
			return w.Change("compute/MetadataTaskRole", func(p object) {
				p["ManagedPolicyArns"] = []any{"arn:aws:iam::aws:policy/AmazonS3FullAccess"}
			})
		}, "data metadata may s3:GetObject"},
		{"a user", func(w world) world {
			return w.Add("data", "User", "AWS::IAM::User", object{})
		}, "unjudged data/User: AWS::IAM::User"},
		{"an exception for every role", func(w world) world {
			return w.Change("data/BlobsPolicy", func(p object) {
				for _, s := range at(p, "PolicyDocument", "Statement").([]any) {
					if condition, ok := at(s, "Condition", "ArnNotEquals").(object); ok {
						condition["aws:PrincipalArn"] = []any{"arn:aws:iam::*:role/*"}
					}
				}
			})
		}, "data administrator outside the VPC may s3:GetObject"},
		{"a guard that is sure of nothing", func(w world) world {
			return w.Change("data/BlobsPolicy", func(p object) {
				for _, s := range at(p, "PolicyDocument", "Statement").([]any) {
					if condition, ok := at(s, "Condition").(object); ok && condition["StringNotEquals"] != nil {
						condition["StringNotEqualsIfExists"] = condition["StringNotEquals"]
						delete(condition, "StringNotEquals")
					}
				}
			})
		}, "data administrator outside the VPC may s3:GetObject"},
		{"a guard of half of the bucket", func(w world) world {
			return w.Change("data/BlobsPolicy", func(p object) {
				for _, s := range at(p, "PolicyDocument", "Statement").([]any) {
					s.(object)["Resource"] = []any{bucket, bucket + "/01*"}
				}
			})
		}, "data administrator outside the VPC may s3:GetObject"},
		{"the bucket, to the public", func(w world) world {
			return w.Change("data/BlobsPolicy", func(p object) {
				p["PolicyDocument"] = object{"Statement": []any{object{"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": bucket}}}
			}).Change("data/Blobs", func(p object) { delete(p, "PublicAccessBlockConfiguration") })
		}, "data anybody may s3:ListBucket in data/Blobs"},
		{"the bucket, to another account", func(w world) world {
			return w.Change("data/BlobsPolicy", func(p object) {
				p["PolicyDocument"] = object{"Statement": []any{object{
					"Effect": "Allow", "Principal": object{"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:ListBucket", "Resource": bucket,
				}}}
			})
		}, "data another account may s3:ListBucket in data/Blobs"},
		{"a copy of the bucket", func(w world) world {
			return w.Change("data/Blobs", func(p object) { p["ReplicationConfiguration"] = object{"Role": "role"} })
		}, "unjudged data/Blobs: ReplicationConfiguration"},
		{"a second name of the bucket", func(w world) world {
			return w.Add("data", "Point", "AWS::S3::AccessPoint", object{"Bucket": "data/Blobs"})
		}, "unjudged data/Point: AWS::S3::AccessPoint"},
		{"a copy of the table", func(w world) world {
			return w.Change("data/Records", func(p object) { p["Replicas"] = append(p["Replicas"].([]any), object{"Region": "ap-south-1"}) })
		}, "copy data/Records in ap-south-1"},
		{"a stream of the table", func(w world) world {
			return w.Change("data/Records", func(p object) {
				at(p, "Replicas", 0).(object)["KinesisStreamSpecification"] = object{"StreamArn": "arn"}
			})
		}, "unjudged data/Records: Replicas KinesisStreamSpecification"},
		{"a door without a policy", func(w world) world {
			return w.Change("data/BlobDoor", func(p object) { delete(p, "PolicyDocument") })
		}, "policy data/BlobDoor: allow {*} * on *"},
		{"another door", func(w world) world {
			return w.Add("network", "Side", "AWS::EC2::VPCEndpoint", object{
				"VpcEndpointType": "Interface", "ServiceName": "com.amazonaws.eu-central-1.s3",
				"SecurityGroupIds": []any{object{"Fn::GetAtt": []any{logicalOf("network", "Endpoints"), "GroupId"}}}, "SubnetIds": []any{"network/VPCIsolatedSubnet1Subnet"},
			})
		}, "connect gateway -> endpoint:s3 :443"},
		{"a key given away", func(w world) world {
			return w.Change("compute/StorageTaskRole", func(p object) {
				edit(p, grant("Action", "kms:CreateGrant", "Resource", "data/BlobKey"), "Policies", 0, "PolicyDocument")
			})
		}, "data storage may kms:CreateGrant in data/BlobKey"},
		{"a key for another account", func(w world) world {
			return w.Change("data/RecordKey", func(p object) {
				edit(p, grant("Action", "kms:Decrypt", "Resource", "*", "Principal", object{"AWS": "444455556666"}), "KeyPolicy")
			})
		}, "data another account may kms:Decrypt in data/RecordKey"},
		{"a secret for another account", func(w world) world {
			return w.Add("compute", "Lent", "AWS::SecretsManager::ResourcePolicy", object{"SecretId": ref(logicalOf("compute", "GrantKey")), "ResourcePolicy": object{
				"Statement": []any{object{"Effect": "Allow", "Principal": object{"AWS": "444455556666"}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}},
			}})
		}, "data another account may secretsmanager:GetSecretValue in compute/GrantKey"},
		{"the grant's key for the gateway", func(w world) world {
			return w.Change("compute/GatewayTask", func(p object) {
				at(p, "ContainerDefinitions", 0).(object)["Secrets"] = []any{object{"Name": "X", "ValueFrom": ref(logicalOf("compute", "GrantKey"))}}
			})
		}, "give gateway/gateway X = arn:aws:secretsmanager:eu-central-1:111122223333:secret:compute/GrantKey"},
		{"the gateway as storage", func(w world) world {
			return w.Change("compute/GatewayTask", func(p object) {
				p["TaskRoleArn"] = object{"Fn::GetAtt": []any{logicalOf("compute", "StorageTaskRole"), "Arn"}}
			})
		}, "data gateway may s3:GetObject"},
		{"a role for another account", func(w world) world {
			return w.Change("compute/StorageTaskRole", func(p object) {
				edit(p, grant("Action", "sts:AssumeRole", "Principal", object{"AWS": "444455556666"}), "AssumeRolePolicyDocument")
			})
		}, "trust compute/StorageTaskRole: allow {AWS 444455556666} sts:AssumeRole"},
		{"a shell", func(w world) world {
			return w.Change("compute/StorageService", func(p object) { p["EnableExecuteCommand"] = true })
		}, "open to a shell"},
		{"another stack's group", func(w world) world {
			return w.Change("network/HandoffgroupStorage", func(p object) {
				p["Value"] = object{"Fn::GetAtt": []any{logicalOf("network", "Metadata"), "GroupId"}}
			})
		}, "connect storage -> dynamodb :443"},
	}
	w := installations["prod"].world(t)
	facts, policies := w.Facts(), w.Policies()
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			changed := attack.change(w)
			_, paths := reach.Diff(facts, changed.Facts())
			_, grants := reach.Diff(policies, changed.Policies())
			opened := slices.Concat(paths, grants)
			if !slices.ContainsFunc(opened, func(fact string) bool { return strings.Contains(fact, attack.opens) }) {
				t.Errorf("opened\n\t%s\nnot\n\t%s", strings.Join(opened, "\n\t"), attack.opens)
			}
		})
	}
}
