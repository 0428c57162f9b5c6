package config

// managedPrefixLists are AWS's own ids. They never change; `aws ec2
// describe-managed-prefix-lists` prints those of a region that is missing here.
// A deploy-time lookup would need a Lambda function, a synth-time lookup
// credentials.
var managedPrefixLists = map[string]PrefixLists{
	"ap-northeast-1": {CloudFront: "pl-58a04531", S3: "pl-61a54008", DynamoDB: "pl-78a54011"},
	"ap-northeast-2": {CloudFront: "pl-22a6434b", S3: "pl-78a54011", DynamoDB: "pl-48a54021"},
	"ap-south-1":     {CloudFront: "pl-9aa247f3", S3: "pl-78a54011", DynamoDB: "pl-66a7420f"},
	"ap-southeast-1": {CloudFront: "pl-31a34658", S3: "pl-6fa54006", DynamoDB: "pl-67a5400e"},
	"ap-southeast-2": {CloudFront: "pl-b8a742d1", S3: "pl-6ca54005", DynamoDB: "pl-62a5400b"},
	"ca-central-1":   {CloudFront: "pl-38a64351", S3: "pl-7da54014", DynamoDB: "pl-4ea54027"},
	"eu-central-1":   {CloudFront: "pl-a3a144ca", S3: "pl-6ea54007", DynamoDB: "pl-66a5400f"},
	"eu-west-1":      {CloudFront: "pl-4fa04526", S3: "pl-6da54004", DynamoDB: "pl-6fa54006"},
	"eu-west-2":      {CloudFront: "pl-93a247fa", S3: "pl-7ca54015", DynamoDB: "pl-b3a742da"},
	"eu-west-3":      {CloudFront: "pl-75b1541c", S3: "pl-23ad484a", DynamoDB: "pl-abb451c2"},
	"sa-east-1":      {CloudFront: "pl-5da64334", S3: "pl-6aa54003", DynamoDB: "pl-60a54009"},
	"us-east-1":      {CloudFront: "pl-3b927c52", S3: "pl-63a5400a", DynamoDB: "pl-02cd2c6b"},
	"us-east-2":      {CloudFront: "pl-b6a144df", S3: "pl-7ba54012", DynamoDB: "pl-4ca54025"},
	"us-west-1":      {CloudFront: "pl-4ea04527", S3: "pl-6ba54002", DynamoDB: "pl-6ea54007"},
	"us-west-2":      {CloudFront: "pl-82a045eb", S3: "pl-68a54001", DynamoDB: "pl-00a54069"},
}
