package reach

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small is a VPC with one service, app, in one subnet, and a bucket. Each test
// adds what it is about.
func small() map[string]any {
	ref := func(id string) any { return map[string]any{"Ref": id} }
	return map[string]any{
		"VPC":    of("AWS::EC2::VPC", "CidrBlock", "10.0.0.0/16"),
		"Subnet": of("AWS::EC2::Subnet", "AvailabilityZone", "a", "Tags", []any{map[string]any{"Key": "aws-cdk:subnet-name", "Value": "Only"}}),
		"Table":  of("AWS::EC2::RouteTable"),
		"Seated": of("AWS::EC2::SubnetRouteTableAssociation", "SubnetId", ref("Subnet"), "RouteTableId", ref("Table")),
		"Group":  of("AWS::EC2::SecurityGroup", "SecurityGroupEgress", []any{map[string]any{"IpProtocol": "icmp", "CidrIp": "255.255.255.255/32"}}),
		"Task": of("AWS::ECS::TaskDefinition", "TaskRoleArn", ref("Role"), "ContainerDefinitions", []any{map[string]any{
			"Name": "app", "PortMappings": []any{map[string]any{"ContainerPort": float64(80)}},
		}}),
		"Service": of("AWS::ECS::Service", "TaskDefinition", ref("Task"), "NetworkConfiguration", map[string]any{"AwsvpcConfiguration": map[string]any{
			"SecurityGroups": []any{ref("Group")}, "Subnets": []any{ref("Subnet")},
		}}),
		"Role":   of("AWS::IAM::Role"),
		"Bucket": of("AWS::S3::Bucket"),
	}
}

func of(kind string, pairs ...any) map[string]any {
	p := map[string]any{}
	for pair := range slices.Chunk(pairs, 2) {
		p[pair[0].(string)] = pair[1]
	}
	return map[string]any{"Type": kind, "Properties": p}
}

func world(t *testing.T, resources map[string]any) World {
	t.Helper()
	dir := t.TempDir()
	for name, v := range map[string]any{
		"manifest.json": map[string]any{"artifacts": map[string]any{"test-one": map[string]any{
			"type": "aws:cloudformation:stack", "environment": "aws://111122223333/eu-central-1",
			"properties": map[string]any{"templateFile": "one.json"},
		}}},
		"one.json": map[string]any{"Resources": resources},
	} {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := Load(dir, map[string]string{"pl-1": "s3"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// statementOf is a role's policy with one statement.
func statementOf(effect string, actions, resource any) map[string]any {
	return of("AWS::IAM::Policy", "Roles", []any{map[string]any{"Ref": "Role"}}, "PolicyDocument", map[string]any{
		"Statement": []any{map[string]any{"Effect": effect, "Action": actions, "Resource": resource}},
	})
}

func TestWhatOpensAPath(t *testing.T) {
	ref := func(id string) any { return map[string]any{"Ref": id} }
	out := func(pairs ...any) map[string]any {
		return of("AWS::EC2::SecurityGroupEgress", append([]any{"GroupId", ref("Group"), "IpProtocol", "tcp", "FromPort", 443.0, "ToPort", 443.0}, pairs...)...)
	}
	in := func(pairs ...any) map[string]any {
		return of("AWS::EC2::SecurityGroupIngress", append([]any{"GroupId", ref("Group"), "IpProtocol", "tcp", "FromPort", 80.0, "ToPort", 80.0}, pairs...)...)
	}
	door := of("AWS::EC2::VPCEndpoint", "VpcEndpointType", "Gateway", "ServiceName", "com.amazonaws.eu-central-1.s3",
		"RouteTableIds", []any{ref("Table")}, "PolicyDocument", map[string]any{"Statement": []any{
			map[string]any{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
		}})
	objects := "arn:aws:s3:::one/Bucket/*"
	tests := []struct {
		name   string
		add    map[string]any
		remove string
		want   string
		not    string
	}{
		{name: "nothing", not: "connect"},
		{name: "a group that states no egress", add: map[string]any{"Group": of("AWS::EC2::SecurityGroup")}, want: "connect app -> stranger in the VPC :0-65535"},
		{name: "egress to the world, no route", add: map[string]any{"Out": out("CidrIp", "0.0.0.0/0")}, not: "connect app -> internet"},
		{
			name: "egress to the world and NAT",
			add: map[string]any{"Out": out("CidrIp", "0.0.0.0/0"),
				"Way": of("AWS::EC2::Route", "RouteTableId", ref("Table"), "DestinationCidrBlock", "0.0.0.0/0", "NatGatewayId", "nat")},
			want: "connect app -> internet :443",
		},
		{
			name: "NAT for half of the internet is a way to a block in it",
			add: map[string]any{"Out": out("CidrIp", "198.51.100.0/24"),
				"Way": of("AWS::EC2::Route", "RouteTableId", ref("Table"), "DestinationCidrBlock", "128.0.0.0/1", "NatGatewayId", "nat")},
			want: "connect app -> 198.51.100.0/24 :443",
		},
		{name: "ingress from the world, private", add: map[string]any{"In": in("CidrIp", "0.0.0.0/0")}, want: "connect stranger in the VPC -> app :80", not: "connect internet"},
		{name: "ingress on a port nobody listens on", add: map[string]any{"In": in("CidrIp", "10.0.0.0/8", "FromPort", 81.0, "ToPort", 81.0)}, want: "half-open one/In: tcp 81 10.0.0.0/8"},
		{name: "tasks of one service", add: map[string]any{"In": in("SourceSecurityGroupId", ref("Group")), "Out": out("DestinationSecurityGroupId", ref("Group"), "FromPort", 80.0, "ToPort", 80.0)}, want: "connect app -> app :80"},
		{name: "a list without a door", add: map[string]any{"Out": out("DestinationPrefixListId", "pl-1")}, want: "half-open one/Out"},
		{name: "a door without a role", add: map[string]any{"Out": out("DestinationPrefixListId", "pl-1"), "Door": door}, want: "connect app -> s3 :443", not: "data app"},
		{
			name: "a door and a role",
			add:  map[string]any{"Out": out("DestinationPrefixListId", "pl-1"), "Door": door, "Policy": statementOf("Allow", "s3:Get*", objects)},
			want: "data app may s3:GetObject s3:GetObjectVersion in one/Bucket",
		},
		{
			name: "a denial weighs more",
			add: map[string]any{"Out": out("DestinationPrefixListId", "pl-1"), "Door": door, "Policy": statementOf("Allow", "*", "*"),
				"Denial": statementOf("Deny", "s3:*Object*", objects)},
			want: "data app may s3:AbortMultipartUpload s3:ListBucket", not: "data app may s3:GetObject",
		},
		{name: "a role without a door", add: map[string]any{"Policy": statementOf("Allow", "*", "*")}, not: "data app"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resources := small()
			for id, r := range test.add {
				resources[id] = r
			}
			facts := world(t, resources).Facts()
			has := func(part string) bool {
				return slices.ContainsFunc(facts, func(fact string) bool { return strings.Contains(fact, part) })
			}
			if test.want != "" && !has(test.want) || test.not != "" && has(test.not) {
				t.Errorf("want %q, not %q, got\n%s", test.want, test.not, strings.Join(facts, "\n"))
			}
		})
	}
}

// TestConditionsOfDenials: a denial counts only where it is certain to hold.
func TestConditionsOfDenials(t *testing.T) {
	tests := []struct {
		operator, key string
		values        []string
		context       map[string]string
		holds         bool
	}{
		{"Bool", "aws:SecureTransport", []string{"false"}, map[string]string{"aws:SecureTransport": "false"}, true},
		{"Bool", "aws:SecureTransport", []string{"false"}, map[string]string{"aws:SecureTransport": "true"}, false},
		{"Bool", "aws:SecureTransport", []string{"false"}, nil, false},
		{"StringNotEquals", "aws:SourceVpce", []string{"door"}, nil, true},
		{"StringNotEquals", "aws:SourceVpce", []string{"door"}, map[string]string{"aws:SourceVpce": "door"}, false},
		{"NumericLessThan", "s3:TlsVersion", []string{"1.2"}, map[string]string{"s3:TlsVersion": "1.1"}, true},
		{"NumericLessThan", "s3:TlsVersion", []string{"1.2"}, map[string]string{"s3:TlsVersion": "1.3"}, false},
		{"StringLike", "aws:PrincipalArn", []string{"a*"}, map[string]string{"aws:PrincipalArn": "abc"}, true},
		{"StringLike", "aws:PrincipalArn", []string{"a*"}, nil, false},
		{"ArnNotEquals", "aws:PrincipalArn", []string{"arn:aws:iam::*:role/*"}, map[string]string{"aws:PrincipalArn": "arn:aws:iam::1:role/x"}, false},
		{"ArnNotEquals", "aws:PrincipalArn", []string{"arn:aws:iam::1:role/y"}, map[string]string{"aws:PrincipalArn": "arn:aws:iam::1:role/x"}, true},
		{"StringNotEqualsIfExists", "aws:SourceVpce", []string{"door"}, map[string]string{"aws:SourceVpce": "other"}, false},
	}
	for _, test := range tests {
		s := statement{conditions: map[string]map[string][]string{test.operator: {test.key: test.values}}}
		if got := s.holds(test.context); got != test.holds {
			t.Errorf("%s %s %v in %v: %v", test.key, test.operator, test.values, test.context, got)
		}
	}
}

// TestWhatAStatementConcerns: a grant counts for whatever it may concern, a
// denial for what it must.
func TestWhatAStatementConcerns(t *testing.T) {
	tests := []struct {
		actions, except, resources []string
		may, must                  bool
	}{
		{[]string{"s3:getobject"}, nil, []string{"arn:bucket/*"}, true, true},
		{[]string{"s3:Get*"}, nil, []string{"*"}, true, true},
		{[]string{"s3:Put*"}, nil, []string{"*"}, false, false},
		{[]string{"s3:GetObject"}, nil, []string{"arn:bucket/a*"}, true, false},
		{[]string{"s3:GetObject"}, nil, []string{"arn:bucket/?"}, true, false},
		{[]string{"s3:GetObject"}, nil, []string{"arn:other/*"}, false, false},
		{[]string{"s3:G?tObject"}, nil, []string{"arn:*"}, true, true},
		{nil, []string{"iam:*"}, []string{"*"}, true, false},
		{nil, []string{"s3:*"}, []string{"*"}, false, false},
	}
	for _, test := range tests {
		s := statement{calls: folded(test.actions), exceptCalls: folded(test.except), resources: test.resources}
		if may := s.mayConcern("s3:GetObject", "arn:bucket/*"); may != test.may {
			t.Errorf("%+v may concern: %v", test, may)
		}
		if must := s.mustConcern("s3:GetObject", "arn:bucket/*"); must != test.must {
			t.Errorf("%+v must concern: %v", test, must)
		}
	}
}
