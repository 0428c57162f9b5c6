package compute

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	secretsmanager "github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
)

// secrets are what processes are given and nobody else reads.
type secrets struct {
	grant, ledger secretsmanager.ISecret
	bootstrap     secretsmanager.ISecret // nil when there is none
	keys          secretsmanager.ISecret // nil when the issuer is asked
}

func newSecrets(stack awscdk.Stack, cfg config.Config) secrets {
	generated := func(id, what string) secretsmanager.ISecret {
		return secretsmanager.NewSecret(stack, jsii.String(id), &secretsmanager.SecretProps{
			Description: jsii.String("Holdfast " + string(cfg.Stage) + ": " + what),
			GenerateSecretString: &secretsmanager.SecretStringGenerator{
				PasswordLength: jsii.Number(64), ExcludePunctuation: jsii.Bool(true),
			},
		})
	}
	s := secrets{
		grant:  generated("GrantKey", "seals grants and page tokens"),
		ledger: generated("LedgerToken", "storage's credential at the ledger"),
	}
	if cfg.Identity.Bootstrap {
		s.bootstrap = generated("BootstrapKey", "the first administrator's key")
	}
	if cfg.Identity.Keys == config.KeysFromDocument {
		// The document is public. Its digest is in the id, so that new keys
		// make a new secret and thereby start new tasks.
		digest := sha256.Sum256([]byte(cfg.Identity.JWKS))
		s.keys = secretsmanager.NewSecret(stack, jsii.String("IssuerKeys"+hex.EncodeToString(digest[:4])), &secretsmanager.SecretProps{
			Description:       jsii.String("Holdfast " + string(cfg.Stage) + ": public keys of the identity provider"),
			SecretStringValue: awscdk.SecretValue_UnsafePlainText(jsii.String(cfg.Identity.JWKS)),
		})
	}
	return s
}

func (s secrets) ofMetadata() map[string]secretsmanager.ISecret {
	m := map[string]secretsmanager.ISecret{
		contract.GrantKeyVariable:    s.grant,
		contract.LedgerTokenVariable: s.ledger,
	}
	if s.bootstrap != nil {
		m[contract.BootstrapKeyVariable] = s.bootstrap
	}
	if s.keys != nil {
		m[contract.JWKSVariable] = s.keys
	}
	return m
}

func (s secrets) ofStorage() map[string]secretsmanager.ISecret {
	return map[string]secretsmanager.ISecret{contract.LedgerTokenVariable: s.ledger}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
