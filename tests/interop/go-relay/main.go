// A circuit-relay-v2 node of another make: go-libp2p's own relay with its own default limits, over WebSocket. The contract test
// interop-relay.test.ts and bench:relay run it beside ours.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	"github.com/multiformats/go-multiaddr"
)

type ready struct {
	Ready  bool     `json:"ready"`
	PeerID string   `json:"peerId"`
	Addrs  []string `json:"addrs"`
	Pid    int      `json:"pid"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "go-relay: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	rc := relay.DefaultResources()
	port := flag.Int("port", 0, "WebSocket port on 127.0.0.1; 0 takes any")
	circuitSeconds := flag.Int("circuit-seconds", int(rc.Limit.Duration/time.Second), "life of one relayed connection")
	circuitBytes := flag.Int64("circuit-bytes", rc.Limit.Data, "bytes of one relayed connection, each way")
	reservations := flag.Int("reservations", 0, "places, all of which one address may take; 0 leaves every bound at its default")
	flag.Parse()
	rc.Limit = &relay.RelayLimit{Duration: time.Duration(*circuitSeconds) * time.Second, Data: *circuitBytes}

	options := []libp2p.Option{
		libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/ws", *port)),
		libp2p.Transport(websocket.New),
		libp2p.DisableRelay(),
		// it serves here although nobody outside can reach it
		libp2p.ForceReachabilityPublic(),
	}
	if *reservations > 0 {
		// a measurement of one machine: everybody comes from one address
		rc.MaxReservations, rc.MaxReservationsPerIP, rc.MaxReservationsPerASN = *reservations, *reservations, *reservations
		keep, err := connmgr.NewConnManager(*reservations*2, *reservations*4)
		if err != nil {
			return err
		}
		options = append(options, libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.ConnectionManager(keep))
	}
	host, err := libp2p.New(options...)
	if err != nil {
		return err
	}
	defer host.Close()

	// by default private addresses are left out of a reservation, and here there are no others
	service, err := relay.New(host, relay.WithResources(rc), relay.WithReservationAddressFilter(func(multiaddr.Multiaddr) bool { return true }))
	if err != nil {
		return err
	}
	defer service.Close()

	line := ready{Ready: true, PeerID: host.ID().String(), Pid: os.Getpid()}
	for _, address := range host.Addrs() {
		line.Addrs = append(line.Addrs, fmt.Sprintf("%s/p2p/%s", address, host.ID()))
	}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		return err
	}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	return nil
}
