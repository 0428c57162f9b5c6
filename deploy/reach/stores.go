package reach

import "slices"

// store is something with data in it: a bucket, a table, a key or a secret.
type store struct {
	id, service, arn, key string
	region                string
	open                  bool // to policies that let everybody in
}

// probes are the calls that are tried on each kind of store: those that touch
// data, and a few that would change who may.
var probes = map[string][]string{
	"s3": {
		"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
		"s3:AbortMultipartUpload", "s3:ListBucket", "s3:PutBucketPolicy", "s3:DeleteBucket",
	},
	"dynamodb": {
		"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem",
		"dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:PartiQLSelect",
		"dynamodb:ExportTableToPointInTime", "dynamodb:DeleteTable", "dynamodb:PutResourcePolicy",
	},
	"kms":            {"kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"},
	"secretsmanager": {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:PutResourcePolicy"},
}

// sealed are the calls that need the store's key.
var sealed = []string{
	"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject",
	"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem",
	"dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:PartiQLSelect",
}

// ofObjects are the calls on what is in a bucket, as opposed to the bucket.
var ofObjects = []string{
	"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload",
}

// resource is what the call names.
func (st store) resource(action string) string {
	if slices.Contains(ofObjects, action) {
		return st.arn + "/*"
	}
	return st.arn
}

func (w World) stores() []store {
	var all []store
	w.each("AWS::S3::Bucket", func(s *stack, id string, p properties) {
		st := store{id: id, service: "s3", arn: "arn:aws:s3:::" + id, region: s.region, open: !blocksPublicAccess(p)}
		for _, rule := range p.objects("BucketEncryption", "ServerSideEncryptionConfiguration") {
			st.key = rule.text("ServerSideEncryptionByDefault", "KMSMasterKeyID")
		}
		all = append(all, st)
	})
	w.each("AWS::DynamoDB::GlobalTable", func(s *stack, id string, p properties) {
		st := store{id: id, service: "dynamodb", arn: tableARN(s, tableName(id, p.m)), region: s.region, open: true}
		for _, replica := range p.objects("Replicas") {
			st.key = replica.text("SSESpecification", "KMSMasterKeyId")
		}
		all = append(all, st)
	})
	w.each("AWS::KMS::Key", func(_ *stack, id string, _ properties) {
		all = append(all, keyOf(store{key: id}))
	})
	w.each("AWS::SecretsManager::Secret", func(s *stack, id string, _ properties) {
		all = append(all, store{id: id, service: "secretsmanager", arn: secretARN(s, id), region: s.region, open: true})
	})
	return all
}

// keyOf is the key st is sealed with.
func keyOf(st store) store { return store{id: st.key, service: "kms", arn: st.key, open: true} }

func blocksPublicAccess(bucket properties) bool {
	for _, block := range bucket.objects("PublicAccessBlockConfiguration") {
		return block.text("BlockPublicPolicy") == "true" && block.text("RestrictPublicBuckets") == "true"
	}
	return false
}
