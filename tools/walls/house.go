package walls

// ours is every package of the house.
var ours = []string{"./..."}

// The binaries choose engines; nobody else names a concrete adapter.
var mains = []string{"services/metadata", "services/storage", "cmd/holdfast/..."}

// House is the list of walls; DESIGN §1 says why they stand.
var House = []Wall{
	{
		Why:   "only the adapters of DynamoDB and S3, and what prepares it for them, know the AWS SDK",
		From:  ours,
		Spare: []string{"deploy/..."},
		To:    []string{"github.com/aws/aws-sdk-go-v2/...", "github.com/aws/smithy-go/...", "github.com/aws/aws-sdk-go/..."},
		Doors: []string{"services/internal/sdk/...", "services/metadata/table/dynamotable/...", "services/storage/blob/s3blob/..."},
	},
	{
		Why:   "only pebbletable knows Pebble",
		From:  ours,
		To:    []string{"github.com/cockroachdb/pebble/...", "github.com/cockroachdb/pebble/v2/..."},
		Doors: []string{"services/metadata/table/pebbletable/..."},
	},
	{
		Why:  "only a main names a concrete adapter",
		From: ours,
		To: []string{
			"services/metadata/table/pebbletable/...", "services/metadata/table/dynamotable/...",
			"services/storage/blob/diskblob/...", "services/storage/blob/s3blob/...",
		},
		Doors: mains,
	},
	{
		Why:   "the CDK stays in deploy",
		From:  ours,
		Spare: []string{"deploy/..."},
		To: []string{
			"github.com/aws/aws-cdk-go/...", "github.com/aws/constructs-go/...",
			"github.com/aws/jsii-runtime-go/...", "github.com/cdklabs/...", "deploy/...",
		},
	},
	{
		Why:  "deploy talks to the services through images, ports and names of variables",
		From: []string{"deploy/..."},
		To:   []string{"proto/...", "internal/...", "services/...", "gateway/...", "cmd/...", "test/...", "tools/..."},
	},
	{
		Why:  "the contracts are a leaf",
		From: []string{"proto/..."},
		To:   []string{"internal/...", "services/...", "gateway/...", "deploy/...", "cmd/...", "test/...", "tools/..."},
	},
	{
		Why:  "internal is a leaf above the contracts",
		From: []string{"internal/..."},
		To:   []string{"services/...", "gateway/...", "deploy/...", "cmd/...", "test/...", "tools/..."},
	},
	{
		Why:  "the gateway talks to the services over their contracts",
		From: []string{"gateway/..."},
		To:   []string{"services/...", "deploy/...", "cmd/...", "test/...", "tools/..."},
	},
	{
		Why:  "storage knows metadata by its contracts only",
		From: []string{"services/storage/..."},
		To:   []string{"services/metadata/..."},
	},
	{
		Why:  "metadata never calls storage",
		From: []string{"services/metadata/..."},
		To:   []string{"services/storage/..."},
	},
	{
		Why:  "what ships does not lean on tests or tools",
		From: []string{"services/...", "cmd/..."},
		To:   []string{"test/...", "tools/...", "standin/..."},
	},
}
