package reach

import (
	"maps"
	"slices"
	"strings"
)

// judged are the properties of each kind of resource, and of some objects in
// them, that the facts cover or that can't bear on who reaches what. Any other
// is a fact of its own: nothing that a template says goes by unseen.
var judged = map[string]string{
	"AWS::EC2::VPC":                         "CidrBlock EnableDnsHostnames EnableDnsSupport InstanceTenancy Tags",
	"AWS::EC2::Subnet":                      "AvailabilityZone CidrBlock MapPublicIpOnLaunch Tags VpcId",
	"AWS::EC2::RouteTable":                  "Tags VpcId",
	"AWS::EC2::SubnetRouteTableAssociation": "RouteTableId SubnetId",
	"AWS::EC2::Route":                       "DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId GatewayId NatGatewayId RouteTableId " + passageNames(),
	"AWS::EC2::InternetGateway":             "Tags",
	"AWS::EC2::VPCGatewayAttachment":        "InternetGatewayId VpcId",
	"AWS::EC2::NatGateway":                  "AllocationId SubnetId Tags",
	"AWS::EC2::EIP":                         "Domain Tags",
	"AWS::EC2::FlowLog":                     whatever,
	"AWS::EC2::SecurityGroup":               "GroupDescription SecurityGroupEgress SecurityGroupIngress VpcId Tags",
	"AWS::EC2::SecurityGroupIngress":        "CidrIp CidrIpv6 Description FromPort GroupId IpProtocol SourcePrefixListId SourceSecurityGroupId ToPort",
	"AWS::EC2::SecurityGroupEgress":         "CidrIp CidrIpv6 Description DestinationPrefixListId DestinationSecurityGroupId FromPort GroupId IpProtocol ToPort",
	"AWS::EC2::VPCEndpoint":                 "PolicyDocument PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName SubnetIds VpcEndpointType VpcId Tags",

	"AWS::ElasticLoadBalancingV2::LoadBalancer": "LoadBalancerAttributes Scheme SecurityGroups Subnets Type Tags",
	"AWS::ElasticLoadBalancingV2::Listener":     "Certificates DefaultActions LoadBalancerArn Port Protocol SslPolicy",
	"AWS::ElasticLoadBalancingV2::ListenerRule": "Actions Conditions ListenerArn Priority",
	"AWS::ElasticLoadBalancingV2::TargetGroup": "HealthCheckIntervalSeconds HealthCheckPath HealthCheckTimeoutSeconds HealthyThresholdCount Matcher Port Protocol " +
		"ProtocolVersion TargetGroupAttributes TargetType Targets UnhealthyThresholdCount VpcId Tags",
	"AWS::Route53::RecordSet":                    "AliasTarget HostedZoneId Name ResourceRecords TTL Type",
	"AWS::Route53::HostedZone":                   "Name VPCs",
	"AWS::ServiceDiscovery::PrivateDnsNamespace": "Name Vpc",
	"AWS::ServiceDiscovery::Service":             "DnsConfig HealthCheckCustomConfig Name NamespaceId",
	"AWS::CertificateManager::Certificate":       whatever,

	"AWS::CloudFront::Distribution": "DistributionConfig",
	"AWS::CloudFront::Distribution DistributionConfig": "Aliases CacheBehaviors Comment CustomErrorResponses DefaultCacheBehavior Enabled HttpVersion IPV6Enabled " +
		"Origins Restrictions ViewerCertificate WebACLId",
	"AWS::CloudFront::Distribution DistributionConfig Origins": "ConnectionAttempts ConnectionTimeout CustomOriginConfig DomainName Id OriginCustomHeaders",
	"AWS::CloudFront::Distribution DistributionConfig DefaultCacheBehavior": "AllowedMethods CachePolicyId Compress OriginRequestPolicyId ResponseHeadersPolicyId " +
		"TargetOriginId TrustedKeyGroups ViewerProtocolPolicy",
	"AWS::CloudFront::Distribution DistributionConfig CacheBehaviors": "AllowedMethods CachePolicyId Compress OriginRequestPolicyId PathPattern " +
		"ResponseHeadersPolicyId TargetOriginId TrustedKeyGroups ViewerProtocolPolicy",
	"AWS::CloudFront::MonitoringSubscription": whatever,
	"AWS::CloudFront::ResponseHeadersPolicy":  whatever,
	"AWS::WAFv2::WebACL":                      whatever, // package firewall judges it
	"AWS::WAFv2::LoggingConfiguration":        whatever,

	"AWS::ECS::Cluster":                             "ClusterSettings",
	"AWS::ECS::ClusterCapacityProviderAssociations": whatever,
	"AWS::ECS::Service": "CapacityProviderStrategy Cluster DeploymentConfiguration DesiredCount EnableECSManagedTags EnableExecuteCommand " +
		"HealthCheckGracePeriodSeconds LoadBalancers NetworkConfiguration PropagateTags ServiceRegistries TaskDefinition",
	"AWS::ECS::TaskDefinition": "ContainerDefinitions Cpu ExecutionRoleArn Family Memory NetworkMode RequiresCompatibilities RuntimePlatform TaskRoleArn",
	"AWS::ECS::TaskDefinition ContainerDefinitions": "Command Environment Essential HealthCheck Image LogConfiguration Memory Name PortMappings Privileged " +
		"ReadonlyRootFilesystem RestartPolicy Secrets StopTimeout Ulimits User",
	"AWS::ApplicationAutoScaling::ScalableTarget": whatever,
	"AWS::ApplicationAutoScaling::ScalingPolicy":  whatever,

	"AWS::IAM::Role":          "AssumeRolePolicyDocument ManagedPolicyArns Policies Tags",
	"AWS::IAM::Policy":        "PolicyDocument PolicyName Roles",
	"AWS::IAM::ManagedPolicy": "PolicyDocument Roles",
	"AWS::IAM::RolePolicy":    "PolicyDocument PolicyName RoleName",
	"AWS::KMS::Key":           "Description EnableKeyRotation KeyPolicy PendingWindowInDays",
	"AWS::S3::Bucket": "BucketEncryption LifecycleConfiguration MetricsConfigurations OwnershipControls PublicAccessBlockConfiguration " +
		"VersioningConfiguration Tags",
	"AWS::S3::BucketPolicy": "Bucket PolicyDocument",
	"AWS::DynamoDB::GlobalTable": "AttributeDefinitions BillingMode KeySchema Replicas SSESpecification TimeToLiveSpecification " +
		"WriteOnDemandThroughputSettings",
	"AWS::DynamoDB::GlobalTable Replicas": "ContributorInsightsSpecification DeletionProtectionEnabled PointInTimeRecoverySpecification " +
		"ReadOnDemandThroughputSettings Region ResourcePolicy SSESpecification",
	"AWS::SecretsManager::Secret":         "Description GenerateSecretString Name ReplicaRegions SecretString",
	"AWS::SecretsManager::ResourcePolicy": "ResourcePolicy SecretId",
	"AWS::SSM::Parameter":                 "Name Type Value",
	"AWS::Lambda::Function":               "Code Description Handler MemorySize Role Runtime Timeout",
	"Custom::S3AutoDeleteObjects":         "BucketName ServiceToken",

	"AWS::Budgets::Budget":           whatever,
	"AWS::CloudWatch::Alarm":         whatever,
	"AWS::CloudWatch::Dashboard":     whatever,
	"AWS::Logs::Delivery":            whatever,
	"AWS::Logs::DeliveryDestination": whatever,
	"AWS::Logs::DeliverySource":      whatever,
	"AWS::Logs::LogGroup":            "KmsKeyId LogGroupName RetentionInDays",
	"AWS::Logs::ResourcePolicy":      "PolicyDocument PolicyName",
	"AWS::Route53::HealthCheck":      whatever,
	"AWS::SNS::Subscription":         "Endpoint Protocol TopicArn",
	"AWS::SNS::Topic":                "KmsMasterKeyId",
	"AWS::SNS::TopicPolicy":          "PolicyDocument Topics",
}

// whatever a resource of the kind says, it opens nothing.
const whatever = "*"

func passageNames() string { return strings.Join(slices.Sorted(maps.Keys(passages)), " ") }

// unjudged are the facts about what the others don't cover.
func (w World) unjudged() []string {
	var facts []string
	for _, s := range w.stacks {
		for kind, logicals := range s.kinds {
			if judged[kind] == "" {
				for _, logical := range logicals {
					facts = append(facts, "unjudged "+s.ids[logical]+": "+kind)
				}
			}
		}
	}
	for at, names := range judged {
		if names == whatever {
			continue
		}
		steps, known := strings.Fields(at), strings.Fields(names)
		w.each(steps[0], func(_ *stack, id string, p properties) {
			for _, object := range p.objects(steps[1:]...) {
				for name := range object.m {
					if !slices.Contains(known, name) {
						facts = append(facts, "unjudged "+id+": "+strings.Join(slices.Concat(steps[1:], []string{name}), " "))
					}
				}
			}
		})
	}
	return facts
}
