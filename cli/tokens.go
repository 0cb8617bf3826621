package cli

import "github.com/spf13/cobra"

func (c *cli) tokens() *cobra.Command {
	tokens := &cobra.Command{Use: "tokens", Short: "Create, list and revoke tokens for git, the API and the CLI"}
	tokens.AddCommand(c.createToken(), c.listTokens(), c.revokeToken())
	return tokens
}
