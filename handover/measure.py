import sys; sys.path.insert(0,'/tmp/short/work')
import numpy as np
from analytics.embedded import analyser
from analytics.tests.embedded import frozen
def plain(path, show=True):
    rows=[l.split("|",2) for l in open(path,encoding="utf-8").read().splitlines()]
    j=analyser().judge([r[2] for r in rows]); truth=np.array([int(r[0]) for r in rows]); said=frozen.signs([x.sentiment for x in j])
    print(path,len(rows),"right",round((said==truth).mean(),3),"f1",round(frozen.f1(truth,said),3),"flips",round((abs(said-truth)==2).mean(),3))
    for lang in ("pt","es","en"):
        k=np.array([r[1]==lang for r in rows]); print("  ",lang,k.sum(),round((said[k]==truth[k]).mean(),3),"flips",(abs(said-truth)[k]==2).sum())
    for c in (-1,0,1): print("   class",c,(truth==c).sum(), "found",round((said[truth==c]==c).mean(),3))
    conf=np.array([x.confidence for x in j]); op=truth!=0
    print("   opinions heard (>=.3, right side):",round(((said==truth)&(conf>=.3))[op].mean(),3))
    if show:
        for r,x,t,s in zip(rows,j,truth,said):
            if t!=s or (t and x.confidence<.3): print("     ",t,f"{x.sentiment:+.2f} {x.confidence:.2f} {x.emotion} {x.satisfaction}",r[1:])
if __name__=="__main__":
    plain(sys.argv[1], len(sys.argv)<3)
