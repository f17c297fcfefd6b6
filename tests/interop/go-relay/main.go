// A circuit-relay-v2 node of another make: go-libp2p's own relay with its own default limits, over WebSocket. The contract test
// interop-relay.test.ts and bench:relay run it beside ours. With -reserve-at it is a client instead: it asks a relay for a place, and says
// what it was told.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
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

type reserved struct {
	LimitSeconds float64 `json:"limitSeconds"`
	LimitBytes   uint64  `json:"limitBytes"`
	TtlSeconds   float64 `json:"ttlSeconds"`
	Addrs        int     `json:"addrs"`
}

// reserveAt asks for a place as any client of go-libp2p does, voucher and all.
func reserveAt(address string) error {
	at, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	host, err := libp2p.New(libp2p.NoListenAddrs, libp2p.Transport(websocket.New))
	if err != nil {
		return err
	}
	defer host.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	place, err := client.Reserve(ctx, host, *at)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(reserved{
		LimitSeconds: place.LimitDuration.Seconds(), LimitBytes: place.LimitData, TtlSeconds: time.Until(place.Expiration).Seconds(), Addrs: len(place.Addrs),
	})
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
	relayAddress := flag.String("reserve-at", "", "ask this relay for a place, and end")
	flag.Parse()
	if *relayAddress != "" {
		return reserveAt(*relayAddress)
	}
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
