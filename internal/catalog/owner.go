package catalog

import "context"

// Owner is the Jira site that this store was filled from, and the account it was read as; empty
// before the first run.
func (s *Store) Owner(ctx context.Context) (site, account string, err error) {
	err = s.read(ctx, `SELECT site, account FROM integration WHERE id = ?`, []any{s.integration}, into(&site, &account))
	return site, account, wrap("look whose it is", err)
}

// Trust records them. What another site says must not be applied, for its ids mean other things;
// what another account does not see proves nothing.
func (s *Store) Trust(ctx context.Context, site, account string) error {
	return wrap("record whose it is", s.write(ctx, func(t *tx) error {
		return t.exec(`UPDATE integration SET site = ?, account = ? WHERE id = ?`, prose(site), prose(account), s.integration)
	}))
}
