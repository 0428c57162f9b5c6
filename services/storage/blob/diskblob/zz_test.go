package diskblob_test
import ("testing";"math/rand/v2";"os";"strconv")
func TestSoak(t *testing.T){ n,_:=strconv.Atoi(os.Getenv("SOAK")); st,_:=strconv.Atoi(os.Getenv("STREAM")); bad:=0
 for seed:=range uint64(n){ if err:=live(t.Context(), rand.New(rand.NewPCG(seed,uint64(st))),""); err!=nil { t.Errorf("seed %d: %v",seed,err); bad++; if bad>5 {return} } } }
