package lifecycle

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// HTTP returns the component that serves srv on lis. Its drain waits for the
// requests in hand and cuts those that are left when its context ends.
func HTTP(name string, srv *http.Server, lis net.Listener) Component {
	return Component{
		Name: name,
		Run: func(context.Context) error {
			if err := srv.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
		Drain: func(ctx context.Context) error {
			err := srv.Shutdown(ctx)
			if err != nil {
				err = errors.Join(err, srv.Close())
			}
			return err
		},
	}
}
